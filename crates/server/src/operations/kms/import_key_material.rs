//! ImportKeyMaterial: brings material of the client's own into a key, or brings it back.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::{KeySpec, KeyState, MaterialId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{ExpirationModel, ImportTerms, ImportType, KeyEntry, Names, associate, check_imports, check_not_replica, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ImportKeyMaterial;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    token: Vec<u8>,
    encrypted: Vec<u8>,
    /// As it was sent: a policy does not see the default.
    expiration_model: Option<ExpirationModel>,
    terms: ImportTerms,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for ImportKeyMaterial {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Kms,
        "ImportKeyMaterial",
        &["KeyId", "ValidTo", "ExpirationModel", "ImportType", "KeyMaterialDescription", "KeyMaterialId"],
    );
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let token = fields.required_blob("ImportToken", 1..=IMPORT_BYTES_MAX)?;
        let encrypted = fields.required_blob("EncryptedKeyMaterial", 1..=IMPORT_BYTES_MAX)?;
        let valid_to = fields.timestamp("ValidTo")?;
        let model = fields.choice("ExpirationModel", ExpirationModel::ALL, ExpirationModel::as_str)?;
        let import_type = fields.choice("ImportType", ImportType::ALL, ImportType::as_str)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":/_.-".contains(c);
        let description = fields.pattern_text("KeyMaterialDescription", 0..=256, "^[a-zA-Z0-9:/_\\s.-]+$", allowed)?;
        let material_id = members::key_material_id(fields)?;
        if !fields.has_violations() {
            check_expiration(model.unwrap_or(ExpirationModel::Expires), valid_to)?;
            if import_type == Some(ImportType::New) && material_id.is_some() {
                return Err(ApiError::validation(
                    "KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL.",
                ));
            }
        }
        let terms = ImportTerms { import_type, material_id, description, valid_to };
        Ok(Input { key_id, token, encrypted, expiration_model: model, terms })
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let terms = &input.terms;
        let members = [
            ("keyId", Some(input.key_id.clone())),
            ("validTo", terms.valid_to.map(Timestamp::audit_text)),
            ("expirationModel", Some(ExpirationModel::of(terms.valid_to).as_str().to_owned())),
            ("importType", terms.import_type.map(|import_type| import_type.as_str().to_owned())),
            ("keyMaterialDescription", terms.description.clone()),
            ("keyMaterialId", terms.material_id.map(|id| id.to_string())),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        Some(Value::Object(given.collect()))
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            let valid_to = input.terms.valid_to;
            let mut demand = Demand::on_name("kms:ImportKeyMaterial", name);
            if let Some(model) = input.expiration_model {
                demand = demand.with_fact("kms:ExpirationModel", model.as_str());
            }
            if let Some(valid_to) = valid_to {
                demand = demand.with_fact("kms:ValidTo", valid_to.iso8601());
            }
            demand
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        let Input { token, encrypted, terms, .. } = authorized.input();
        let now = doors.clock.now();
        check_imports(key)?;
        check_symmetric_terms(key, terms)?;
        check_replica_terms(key, terms)?;
        check_end(terms.valid_to, now)?;
        check_state(key, IMPORTING)?;
        let new = doors.keys.import_material(authorized.proof(), key, token, encrypted, now).await?;
        let id = new.id;
        let mut record = key.record().clone();
        associate(key.arn(), &mut record, new, now, terms)?;
        let mut change = Transaction::default();
        doors.keys.reschedule_expiries(&mut change, key, Some(&record)).await?;
        key.update(&mut change, &record);
        let event = doors.keys.synchronise_replicas(&mut change, key, &record, &*doors.random).await?;
        let key_material_id = Some(id).filter(|_| record.spec == KeySpec::SymmetricDefault);
        let output = Output { key_id: key.arn_text().to_owned(), key_material_id };
        let elements = members::material_elements(&output.key_id, key_material_id);
        Ok(Outcome::change(change, output).with_response_elements(elements).with_service_events(event))
    }
}

/// Checks that the end is given exactly if there is to be one.
fn check_expiration(model: ExpirationModel, valid_to: Option<Timestamp>) -> Result<(), ApiError> {
    match (model, valid_to) {
        (ExpirationModel::Expires, None) => {
            Err(ApiError::validation("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"))
        }
        (ExpirationModel::DoesNotExpire, Some(_)) => Err(ApiError::validation(
            "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        )),
        _ => Ok(()),
    }
}

/// Checks that the end is ahead, but not too far.
fn check_end(valid_to: Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    let Some(valid_to) = valid_to else { return Ok(()) };
    if valid_to <= now {
        return Err(ApiError::validation("ValidTo must be in the future"));
    }
    if valid_to > now.plus_seconds(VALID_DAYS_MAX * SECONDS_PER_DAY) {
        return Err(ApiError::validation(format!("ValidTo must be at most {VALID_DAYS_MAX} days in the future")));
    }
    Ok(())
}

/// Checks that only a key whose material can change is told about versions of it.
fn check_symmetric_terms(key: &KeyEntry, terms: &ImportTerms) -> Result<(), ApiError> {
    let spec = key.record().spec;
    let given = [
        ("ImportType", terms.import_type.is_some()),
        ("KeyMaterialDescription", terms.description.is_some()),
        ("KeyMaterialId", terms.material_id.is_some()),
    ];
    match given.iter().find(|(_, given)| *given && spec != KeySpec::SymmetricDefault) {
        Some((name, _)) => Err(ApiError::validation(format!("{name} is not supported for key spec {spec}."))),
        None => Ok(()),
    }
}

/// Checks that a replica is told nothing that its primary says for all: which versions there are, and what they are
/// called.
fn check_replica_terms(key: &KeyEntry, terms: &ImportTerms) -> Result<(), ApiError> {
    if terms.import_type == Some(ImportType::New) || terms.description.is_some() { check_not_replica(key) } else { Ok(()) }
}

/// The states in which material is taken.
const IMPORTING: &[KeyState] = &[KeyState::Disabled, KeyState::Enabled, KeyState::PendingImport, KeyState::Updating];
/// Rule: `ImportToken` and `EncryptedKeyMaterial` of the API page.
const IMPORT_BYTES_MAX: usize = kanuki_keeper_protocol::IMPORT_BYTES_MAX;
/// Rule: `ValidTo` of the API page.
const VALID_DAYS_MAX: i64 = 365;
const SECONDS_PER_DAY: i64 = 86_400;
