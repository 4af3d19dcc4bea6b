//! ReplicateKey: a copy of a multi-Region primary key in another Region.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html>
//!
//! The replica is whole when the call returns: its record, its sealed material and the set of every other copy are
//! committed together. The answer shows it in the state that the API states for a new one, `Creating`.

use std::{collections::BTreeSet, sync::Arc};

use kanuki_store::Transaction;
use kanuki_types::{KeyArn, KeyState, Origin, Region};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    create_key::{self, CreateKey, creation_demands, policy_of},
    list_resource_tags::Tag,
    members,
    put_key_policy::policy_text,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{
        COPIES_MAX, KeyEntry, KeyMetadata, KeyName, KeyRecord, KeyRecords, MultiRegion, Names, Role, check_primary,
        check_state, key_key, not_primary, read_tags, synchronisation, validate_tags,
    },
    operation::{Descriptor, Elsewhere, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ReplicateKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    region: Option<Region>,
    policy: Option<String>,
    bypass_lockout_check: Option<bool>,
    description: String,
    tags: Vec<(String, String)>,
}

/// The primary key, and the replica as CreateKey would be asked for it.
#[derive(Debug)]
pub struct Target {
    primary: Option<Arc<KeyEntry>>,
    creation: Option<create_key::Input>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    replica_key_metadata: KeyMetadata,
    replica_policy: String,
    replica_tags: Vec<Tag>,
}

impl Operation for ReplicateKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "ReplicateKey", &[]);
    type Input = Input;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            key_id: members::key_id(fields)?,
            policy: policy_text(fields)?,
            bypass_lockout_check: fields.boolean("BypassPolicyLockoutSafetyCheck")?,
            description: fields.text("Description", 0..=8192)?.unwrap_or_default(),
            tags: read_tags(fields, "Tags")?.unwrap_or_default(),
            region: members::region(fields, "ReplicaRegion")?,
        })
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        let mut parameters = json!({
            "keyId": input.key_id,
            "replicaRegion": input.region,
            "description": input.description,
            "bypassPolicyLockoutSafetyCheck": input.bypass_lockout_check.unwrap_or(false),
        });
        if let Some(members) = parameters.as_object_mut() {
            create_key::add_policy_and_tags(members, input.policy.as_deref(), &input.tags);
        }
        Some(parameters)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let region = members::given(&input.region)?;
        let name = members::resolve(doors, caller, &input.key_id, Names::Keys).await?;
        let replicate = Demand::on_name("kms:ReplicateKey", &name).with_fact("kms:ReplicaRegion", region.as_str());
        let KeyName::Found { entry: primary, .. } = name else {
            return Ok(Plan::new(Target { primary: None, creation: None }, replicate));
        };
        // What is made there is made there, whatever Region was called.
        let creation = creation(primary.record(), input);
        let (create, tag) = creation_demands(&creation, Role::Replica);
        let more: Vec<Demand> = [Some(create), tag].into_iter().flatten().map(|demand| demand.in_region(region)).collect();
        Ok(Plan::with_more(Target { primary: Some(primary), creation: Some(creation) }, replicate, more))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Target { primary, creation } = authorized.target();
        let primary = members::key(primary)?;
        let creation = creation.as_ref().ok_or_else(|| ApiError::internal("a replica without properties was planned"))?;
        let region = members::given(&authorized.input().region)?;
        let arn = KeyArn { region: region.clone(), ..primary.arn().clone() };
        let set = check(doors, primary, &arn)?.with(region);
        validate_tags(&creation.tags, &Default::default(), doors.settings.limits.tags_per_key_max)?;
        let caller = authorized.caller();
        let policy = policy_of(doors, caller, authorized.circumstances(), &arn, creation).await?;
        let materials = doors.keys.replicated_materials(authorized.proof(), primary, region).await?;
        let source = primary.record();
        let is_external = source.origin == Origin::External;
        let replica = KeyRecord {
            created: doors.clock.now(),
            description: creation.description.clone(),
            // Imported material has to be imported in every Region.
            state: if is_external { KeyState::PendingImport } else { KeyState::Enabled },
            policy,
            tags: creation.tags.iter().cloned().collect(),
            aliases: BTreeSet::new(),
            materials,
            multi_region: Some(set.clone()),
            ..source.clone()
        };
        let changed = KeyRecord { multi_region: Some(set), ..source.clone() };
        let mut change = Transaction::default();
        let keys_max = doors.settings.limits.keys_per_account_max;
        doors.keys.count_new_key(&arn, replica.manager, keys_max, &mut change).await?;
        change.create::<KeyRecords>(&key_key(&arn), &replica);
        primary.update(&mut change, &changed);
        let copies = doors.keys.other_copies(primary).await?;
        doors.keys.synchronise(&mut change, (primary.arn(), &changed), &copies).await?;
        let metadata = KeyMetadata::of_record(&arn, &as_new(&replica));
        let told = metadata.response_elements();
        let elements = json!({ "replicaKeyMetadata": told, "replicaPolicy": replica.policy.text });
        let created = Elsewhere {
            name: "CreateKey",
            arn,
            parameters: CreateKey::audit_parameters(creation),
            response_elements: Some(json!({ "keyMetadata": told })),
        };
        let output = Output {
            replica_key_metadata: metadata,
            replica_policy: replica.policy.text,
            replica_tags: replica.tags.into_iter().map(Tag::from).collect(),
        };
        Ok(Outcome::change(change, output)
            .with_response_elements(elements)
            .with_elsewhere(created)
            .with_service_events([synchronisation(primary.arn(), &*doors.random)]))
    }
}

/// The replica as CreateKey would be asked for it.
fn creation(primary: &KeyRecord, input: &Input) -> create_key::Input {
    create_key::Input {
        policy: input.policy.clone(),
        description: input.description.clone(),
        usage: primary.usage,
        spec: primary.spec,
        origin: primary.origin,
        bypass_lockout_check: input.bypass_lockout_check,
        tags: input.tags.clone(),
        multi_region: true,
        custom_key_store_id: None,
        xks_key_id: None,
    }
}

/// Checks that the replica can be made; answers the set that it will belong to.
fn check<'a>(doors: &Doors, primary: &'a KeyEntry, replica: &KeyArn) -> Result<&'a MultiRegion, ApiError> {
    check_primary(primary)?;
    check_state(primary, &[KeyState::Enabled])?;
    let set = primary.record().multi_region.as_ref().ok_or_else(|| not_primary(primary.arn()))?;
    if doors.settings.region(replica.region.as_str()).is_none() {
        return Err(members::region_missing(replica.region.as_str()));
    }
    if set.regions().any(|region| *region == replica.region) {
        return Err(ApiError::new(ErrorCode::AlreadyExists, format!("Key {replica} already exists.")));
    }
    if set.regions().count() >= COPIES_MAX {
        let message = format!("{} has as many replica keys as a primary key can have.", primary.arn_text());
        return Err(ApiError::new(ErrorCode::LimitExceeded, message));
    }
    Ok(set)
}

/// A replica as the API shows a new one.
fn as_new(replica: &KeyRecord) -> KeyRecord {
    KeyRecord { state: KeyState::Creating, current_material: None, ..replica.clone() }
}
