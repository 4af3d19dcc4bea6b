//! DeleteImportedKeyMaterial: takes imported material out of a key at once; the same bytes can be imported again.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::{KeySpec, KeyState, MaterialId};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, Names, check_imports, check_state, remove},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteImportedKeyMaterial;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    material_id: Option<MaterialId>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for DeleteImportedKeyMaterial {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Kms, "DeleteImportedKeyMaterial", &["KeyId", "KeyMaterialId"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { key_id: members::key_id(fields)?, material_id: members::key_material_id(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            Demand::on_name("kms:DeleteImportedKeyMaterial", name)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_imports(key)?;
        let id = named_material(key, authorized.input().material_id)?;
        check_state(key, DELETING)?;
        let key_material_id = id.filter(|_| key.record().spec == KeySpec::SymmetricDefault);
        let output = Output { key_id: key.arn_text().to_owned(), key_material_id };
        let elements = members::material_elements(&output.key_id, key_material_id);
        let mut record = key.record().clone();
        let outcome = if id.is_some_and(|id| remove(key.arn(), &mut record, &id)) {
            let mut change = Transaction::default();
            doors.keys.reschedule_expiries(&mut change, key, Some(&record)).await?;
            key.update(&mut change, &record);
            let event = doors.keys.synchronise_replicas(&mut change, key, &record, &*doors.random).await?;
            Outcome::change(change, output).with_service_events(event)
        } else {
            // What is not there is gone already.
            Outcome::answer(output)
        };
        Ok(outcome.with_response_elements(elements))
    }
}

/// The version that is meant: the named one, else the current one, if there ever was one.
fn named_material(key: &KeyEntry, named: Option<MaterialId>) -> Result<Option<MaterialId>, ApiError> {
    let record = key.record();
    let Some(named) = named else { return Ok(record.current_material) };
    if record.spec != KeySpec::SymmetricDefault {
        return Err(ApiError::validation(format!("KeyMaterialId is not supported for key spec {}.", record.spec)));
    }
    if record.materials.iter().any(|material| material.id == named) {
        return Ok(Some(named));
    }
    let message = format!("Key material {named} is not associated with {}.", key.arn_text());
    Err(ApiError::new(ErrorCode::NotFound, message))
}

/// The states in which material can be taken out; a key that waits for its deletion goes on waiting.
const DELETING: &[KeyState] = &[
    KeyState::Disabled,
    KeyState::Enabled,
    KeyState::PendingDeletion,
    KeyState::PendingImport,
    KeyState::PendingReplicaDeletion,
];
