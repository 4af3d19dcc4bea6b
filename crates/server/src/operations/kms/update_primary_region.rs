//! UpdatePrimaryRegion: a replica becomes the primary key of its set, and the primary a replica.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html>
//!
//! All copies change in one transaction, so none is ever seen in the state `Updating` and no two call themselves primary.

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::{KeyArn, Region};
use serde_json::{Value, json};

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, KeyName, KeyRecord, Names, Role, USABLE, check_primary, check_state},
    operation::{Descriptor, Elsewhere, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdatePrimaryRegion;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    region: Option<Region>,
}

/// The key that is the primary one, and the key that shall be.
#[derive(Debug)]
pub struct Target {
    primary: Option<Arc<KeyEntry>>,
    replica: Option<Arc<KeyEntry>>,
}

impl Operation for UpdatePrimaryRegion {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Kms, "UpdatePrimaryRegion", &["KeyId", "PrimaryRegion"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { key_id: members::key_id(fields)?, region: members::region(fields, "PrimaryRegion")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let region = members::given(&input.region)?;
        let name = members::resolve(doors, caller, &input.key_id, Names::Keys).await?;
        let in_place = |demand: Demand| demand.with_fact("kms:PrimaryRegion", region.as_str());
        let on_primary = in_place(Demand::on_name(ACTION, &name));
        let KeyName::Found { entry: primary, .. } = name else {
            return Ok(Plan::new(Target { primary: None, replica: None }, on_primary));
        };
        // Without a replica there is nothing to change, and who may not change the primary is not told that there is none.
        let replica = match primary.record().role(primary.arn()) {
            Some(Role::Primary) if *region != primary.arn().region => doors.keys.get(&copy_in(&primary, region)).await?,
            _ => None,
        };
        let on_replica =
            replica.as_ref().map(|replica| in_place(Demand::on_key(ACTION, replica, None)).in_region(region));
        Ok(Plan::with_more(Target { primary: Some(primary), replica }, on_primary, on_replica))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Target { primary, replica } = authorized.target();
        let primary = members::key(primary)?;
        let region = members::given(&authorized.input().region)?;
        check_primary(primary)?;
        check_state(primary, USABLE)?;
        let replica = replica.as_ref().ok_or_else(|| no_replica(primary, region))?;
        check_state(replica, USABLE)?;
        let set = primary.record().multi_region.as_ref().map(|set| set.led_from(region));
        let leading = KeyRecord { multi_region: set, ..replica.record().clone() };
        let mut change = Transaction::default();
        // The set is the one that the primary had when it was read.
        primary.expect_unchanged(&mut change);
        replica.update(&mut change, &leading);
        doors.keys.move_mark(&mut change, primary, replica).await?;
        let copies = doors.keys.other_copies(replica).await?;
        doors.keys.synchronise(&mut change, (replica.arn(), &leading), &copies).await?;
        let there = Elsewhere {
            name: "UpdatePrimaryRegion",
            arn: replica.arn().clone(),
            parameters: Some(parameters(authorized.input())),
            response_elements: None,
        };
        Ok(Outcome::silent_change(change).with_elsewhere(there))
    }
}

fn parameters(input: &Input) -> Value {
    json!({ "keyId": input.key_id, "primaryRegion": input.region })
}

fn copy_in(key: &KeyEntry, region: &Region) -> KeyArn {
    KeyArn { region: region.clone(), ..key.arn().clone() }
}

/// The refusal of a Region that has no replica to become the primary key.
fn no_replica(primary: &KeyEntry, region: &Region) -> ApiError {
    if *region == primary.arn().region {
        let message = format!("{} is already the primary key.", primary.arn_text());
        return ApiError::new(ErrorCode::UnsupportedOperation, message);
    }
    ApiError::new(ErrorCode::NotFound, format!("Key '{}' does not exist", copy_in(primary, region)))
}

const ACTION: &str = "kms:UpdatePrimaryRegion";
