//! RotateKeyOnDemand: gives a key new material now, of the keeper's own or imported before; the schedule of its automatic
//! rotation stays as it is.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::{Origin, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{
        KeyEntry, KeyRecord, Material, Names, Rotated, RotationType, USABLE,
        check_not_replica, check_rotates_on_demand, check_state, promote, rotate,
    },
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct RotateKeyOnDemand;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
}

impl Operation for RotateKeyOnDemand {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "RotateKeyOnDemand", &["KeyId"]);
    /// The key identifier.
    type Input = String;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::key_id(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &String,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:RotateKeyOnDemand", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_rotates_on_demand(key)?;
        check_not_replica(key)?;
        check_state(key, USABLE)?;
        let mut record = key.record().clone();
        if record.on_demand_rotations >= doors.settings.limits.on_demand_rotations_max {
            let message = format!(
                "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be \
                 performed for this key: {}",
                key.arn_text()
            );
            return Err(ApiError::new(ErrorCode::LimitExceeded, message));
        }
        let now = doors.clock.now();
        if record.rotation.is_some_and(|schedule| schedule.next <= now.plus_seconds(CONFLICT_SECONDS)) {
            let message = format!("{} is about to rotate by itself.", key.arn_text());
            return Err(ApiError::new(ErrorCode::Conflict, message));
        }
        let new = next_material(doors, key, &mut record, now).await?;
        record.on_demand_rotations += 1;
        let by = RotationType::OnDemand;
        rotate(&mut record, new, Rotated { date: now, by });
        let mut change = Transaction::default();
        let events = doors.keys.write_rotation(&mut change, key, &record, by, &*doors.random).await?;
        let output = Output { key_id: key.arn_text().to_owned() };
        let elements = json!({ "keyId": output.key_id });
        Ok(Outcome::change(change, output).with_response_elements(elements).with_service_events(events))
    }
}

/// The material that becomes the current one: what was imported for it, or what the keeper makes.
async fn next_material(
    doors: &Doors,
    key: &KeyEntry,
    record: &mut KeyRecord,
    now: Timestamp,
) -> Result<Material, ApiError> {
    if record.origin != Origin::External {
        return Ok(Material::first(doors.keys.create_material(key.arn(), record.spec).await?, now));
    }
    let pending = if doors.keys.is_pending_everywhere(key).await? { promote(record) } else { None };
    pending.ok_or_else(|| {
        let message = format!("No available key material pending rotation for the key: {}.", key.arn_text());
        ApiError::new(ErrorCode::InvalidState, message)
    })
}

/// How near an automatic rotation may be, in seconds. Rule: `ConflictException` of the API page.
const CONFLICT_SECONDS: i64 = 20 * 60;
