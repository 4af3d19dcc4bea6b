//! CreateKey: a new KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kanuki_store::Transaction;
use kanuki_types::{KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, Origin};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    custom_key_store_members,
    members::outside_event_data,
    put_key_policy::{PolicyPlace, bypass_fact, checked_policy, policy_text},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Circumstances, Demand, outside_call_of},
    custom_key_stores::{Act, Behind, OutsideKey, StoreEntry, StoreKeys, check_connection},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{
        KeyMetadata, KeyRecord, KeyRecords, Material, MultiRegion, Role, StoredPolicy, default_policy, is_importable,
        key_key, read_tags, tag_facts, usages, validate_tags,
    },
    operation::{AuditExtras, Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    pub(super) policy: Option<String>,
    pub(super) description: String,
    pub(super) usage: KeyUsage,
    pub(super) spec: KeySpec,
    pub(super) origin: Origin,
    pub(super) bypass_lockout_check: Option<bool>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) multi_region: bool,
    pub(super) custom_key_store_id: Option<String>,
    pub(super) xks_key_id: Option<String>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_metadata: KeyMetadata,
}

impl Operation for CreateKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "CreateKey", &[]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let policy = policy_text(fields)?;
        let description = fields.text("Description", 0..=8192)?.unwrap_or_default();
        let usage = fields.choice("KeyUsage", KeyUsage::ALL, KeyUsage::as_str)?;
        let old_spec = fields.choice("CustomerMasterKeySpec", KeySpec::ALL, KeySpec::as_str)?;
        let spec = fields.choice("KeySpec", KeySpec::ALL, KeySpec::as_str)?;
        let origin = fields.choice("Origin", Origin::ALL, Origin::as_str)?.unwrap_or(Origin::AwsKms);
        let custom_key_store_id = fields.text("CustomKeyStoreId", 1..=64)?;
        let xks_key_id = fields.pattern_text("XksKeyId", 1..=128, "^[a-zA-Z0-9-_.]+$", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
        })?;
        let bypass_lockout_check = fields.boolean("BypassPolicyLockoutSafetyCheck")?;
        let tags = read_tags(fields, "Tags")?.unwrap_or_default();
        let multi_region = fields.boolean("MultiRegion")?.unwrap_or(false);
        if old_spec.is_some() && spec.is_some() {
            return Err(ApiError::validation(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
                 deprecated.",
            ));
        }
        if !fields.has_violations() {
            check_outside_members(origin, custom_key_store_id.is_some(), xks_key_id.is_some())?;
        }
        let spec = spec.or(old_spec).unwrap_or(KeySpec::SymmetricDefault);
        let input = |usage| Input {
            policy,
            description,
            usage,
            spec,
            origin,
            bypass_lockout_check,
            tags,
            multi_region,
            custom_key_store_id,
            xks_key_id,
        };
        match usage {
            Some(usage) => Ok(input(usage)),
            None if spec == KeySpec::SymmetricDefault => Ok(input(KeyUsage::EncryptDecrypt)),
            None if fields.has_violations() => Ok(input(KeyUsage::EncryptDecrypt)),
            None => Err(ApiError::validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
            )),
        }
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let mut parameters = json!({
            "description": input.description,
            "origin": input.origin,
            "keyUsage": input.usage,
            "keySpec": input.spec,
            "customerMasterKeySpec": input.spec,
            "multiRegion": input.multi_region,
            "bypassPolicyLockoutSafetyCheck": input.bypass_lockout_check.unwrap_or(false),
        });
        if let Some(members) = parameters.as_object_mut() {
            for (name, value) in [("customKeyStoreId", &input.custom_key_store_id), ("xksKeyId", &input.xks_key_id)] {
                if let Some(value) = value {
                    members.insert(name.into(), value.clone().into());
                }
            }
            add_policy_and_tags(members, input.policy.as_deref(), &input.tags);
        }
        Some(parameters)
    }

    async fn plan(_: &Doors, _: &Authenticated, input: &Input) -> Result<Plan<()>, ApiError> {
        let (create, tag) = creation_demands(input, Role::Primary);
        Ok(Plan::with_more((), create, tag))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let caller = authorized.caller();
        check_supported(input)?;
        validate_tags(&input.tags, &BTreeMap::new(), doors.settings.limits.tags_per_key_max)?;
        let number = doors.random.bytes();
        let key_id = if input.multi_region { KeyId::multi_region(number) } else { KeyId::single_region(number) };
        let arn = KeyArn { account: caller.caller().account, region: caller.region().clone(), key_id };
        let policy = policy_of(doors, caller, authorized.circumstances(), &arn, input).await?;
        let mut change = Transaction::default();
        let keys_max = doors.settings.limits.keys_per_account_max;
        doors.keys.count_new_key(&arn, KeyManager::Customer, keys_max, &mut change).await?;
        let place = new_key_place(doors, authorized, &arn, &mut change).await?;
        let now = doors.clock.now();
        let material = match input.origin {
            // Its material comes with ImportKeyMaterial.
            Origin::External => None,
            _ => Some(Material::first(doors.keys.create_material(&arn, input.spec).await?, now)),
        };
        let record = KeyRecord {
            created: now,
            description: input.description.clone(),
            spec: input.spec,
            usage: input.usage,
            origin: input.origin,
            manager: KeyManager::Customer,
            state: if material.is_some() { KeyState::Enabled } else { KeyState::PendingImport },
            deletion_date: None,
            pending_window_days: None,
            policy,
            tags: input.tags.iter().cloned().collect(),
            aliases: BTreeSet::new(),
            current_material: material.as_ref().map(|material| material.id),
            materials: material.into_iter().collect(),
            pending_material: None,
            rotation: None,
            outside: place.as_ref().map(|(_, outside)| outside.clone()),
            on_demand_rotations: 0,
            multi_region: MultiRegion::of_new_key(&arn),
        };
        change.create::<KeyRecords>(&key_key(&arn), &record);
        let store = place.as_ref().map(|(store, _)| &**store);
        let metadata = KeyMetadata::of_record(&arn, &record).in_store(store);
        let elements = json!({ "keyMetadata": metadata.response_elements() });
        let mut outcome = Outcome::change(change, Output { key_metadata: metadata });
        outcome.audit = AuditExtras {
            response_elements: Some(elements),
            additional_event_data: store.and_then(|store| outside_event_data(&record, store.cluster_id())),
            new_key: Some(arn),
            ..AuditExtras::default()
        };
        Ok(outcome)
    }
}

/// Adds policy and tags of a new key to `requestParameters`, if they were given.
pub(super) fn add_policy_and_tags(members: &mut Map<String, Value>, policy: Option<&str>, tags: &[(String, String)]) {
    if let Some(policy) = policy {
        members.insert("policy".into(), policy.into());
    }
    if !tags.is_empty() {
        let tags: Vec<Value> =
            tags.iter().map(|(key, value)| json!({ "tagKey": key, "tagValue": value })).collect();
        members.insert("tags".into(), tags.into());
    }
}

/// The accesses that making a key takes, of which the second is only there if the key is tagged.
pub(super) fn creation_demands(input: &Input, role: Role) -> (Demand, Option<Demand>) {
    let with_tags = |mut demand: Demand| {
        tag_facts(&mut demand.facts, &input.tags);
        demand
    };
    let mut create = Demand::on_any("kms:CreateKey")
        .with_fact("kms:KeySpec", input.spec.as_str())
        .with_fact("kms:KeyUsage", input.usage.as_str())
        .with_fact("kms:KeyOrigin", input.origin.as_str())
        .with_fact("kms:MultiRegion", input.multi_region.to_string());
    if input.multi_region {
        create = create.with_fact("kms:MultiRegionKeyType", role.as_str());
    }
    let create = with_tags(bypass_fact(create, input.bypass_lockout_check));
    let tag = (!input.tags.is_empty()).then(|| with_tags(Demand::on_any("kms:TagResource")));
    (create, tag)
}

/// The policy that the client gave, checked, or the default one.
pub(super) async fn policy_of(
    doors: &Doors,
    caller: &Authenticated,
    circumstances: &Circumstances,
    arn: &KeyArn,
    input: &Input,
) -> Result<StoredPolicy, ApiError> {
    let Some(text) = &input.policy else {
        return Ok(StoredPolicy { text: default_policy(arn.account), principal_ids: BTreeMap::new() });
    };
    let bypass = input.bypass_lockout_check.unwrap_or(false);
    let place = PolicyPlace { arn, key: None };
    checked_policy(doors, caller, circumstances, place, text, bypass).await
}

/// Refuses what does not fit together, and what is not served yet, with the API's own answers.
fn check_supported(input: &Input) -> Result<(), ApiError> {
    let unsupported = |what: String| Err(ApiError::new(ErrorCode::UnsupportedOperation, what));
    if !usages(input.spec).contains(&input.usage) {
        let message = format!("KeyUsage {} is not compatible with KeySpec {}", input.usage, input.spec);
        return Err(ApiError::validation(message));
    }
    if !matches!(input.origin, Origin::AwsKms | Origin::External)
        && (input.spec != KeySpec::SymmetricDefault || input.multi_region)
    {
        let text = "Custom key stores hold only symmetric encryption keys of a single Region.";
        return unsupported(text.into());
    }
    if input.origin == Origin::External && !is_importable(input.spec) {
        return unsupported(format!("KeySpec {} is not supported for Origin {}", input.spec, input.origin));
    }
    Ok(())
}

/// Rules between the origin and the members of custom key stores.
fn check_outside_members(origin: Origin, store: bool, external_key: bool) -> Result<(), ApiError> {
    let refused = |message: String| Err(ApiError::validation(message));
    match origin {
        Origin::AwsKms | Origin::External if store || external_key => {
            refused(format!("CustomKeyStoreId and XksKeyId are not valid for keys with Origin {origin}."))
        }
        Origin::AwsKms | Origin::External => Ok(()),
        Origin::AwsCloudHsm | Origin::ExternalKeyStore if !store => {
            refused(format!("CustomKeyStoreId is required for keys with Origin {origin}."))
        }
        Origin::AwsCloudHsm if external_key => refused(format!("XksKeyId is not valid for keys with Origin {origin}.")),
        Origin::ExternalKeyStore if !external_key => {
            refused(format!("XksKeyId is required for keys with Origin {origin}."))
        }
        Origin::AwsCloudHsm | Origin::ExternalKeyStore => Ok(()),
    }
}

/// Where in a custom key store the new key stands; claims the place in the change. None for keys of the keeper alone.
async fn new_key_place(
    doors: &Doors,
    authorized: &Authorized<CreateKey>,
    arn: &KeyArn,
    change: &mut Transaction,
) -> Result<Option<(Arc<StoreEntry>, OutsideKey)>, ApiError> {
    let input = authorized.input();
    let Some(id) = &input.custom_key_store_id else { return Ok(None) };
    let (stores, store) = custom_key_store_members::find(doors, authorized.caller(), id).await?;
    let fits = matches!(
        (input.origin, &store.record().behind),
        (Origin::ExternalKeyStore, Behind::Proxy(_)) | (Origin::AwsCloudHsm, Behind::Token(_))
    );
    if !fits {
        let message = format!("Origin {} is not the one of the custom key store {id}.", input.origin);
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, message));
    }
    check_connection(store.record(), Act::CreateKey)?;
    let outside = match &input.xks_key_id {
        Some(key) => OutsideKey { store: store.record().id.clone(), key: key.clone() },
        None => {
            let label = arn.key_id.to_string();
            let key = doors.custom_key_stores.create_backing_key(&store, doors.random.bytes(), &label).await?;
            OutsideKey { store: store.record().id.clone(), key }
        }
    };
    let place = (arn.account, arn.region.clone(), outside.store.clone(), outside.key.clone());
    if doors.custom_key_stores.key_on(&place).await?.is_some() {
        let message = format!("The external key {} is the one of another KMS key.", outside.key);
        return Err(ApiError::new(ErrorCode::XksKeyAlreadyInUse, message));
    }
    let call = outside_call_of::<CreateKey>(authorized.caller(), authorized.circumstances());
    doors.custom_key_stores.check_external_key(&store, &outside.key, &call).await?;
    // A store that is disconnected meanwhile gets no key.
    stores.expect_unchanged(change);
    change.create::<StoreKeys>(&place, &arn.key_id);
    Ok(Some((store, outside)))
}
