//! EnableKeyRotation: lets a key rotate by itself, the first time one period from now.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>

use std::sync::Arc;

use kanuki_store::Transaction;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{
        KeyEntry, KeyName, KeyRecord, Names, ROTATION_PERIOD_DAYS_DEFAULT, RotationSchedule, USABLE, check_not_replica,
        check_rotates, check_state,
    },
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct EnableKeyRotation;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    period_days: Option<i64>,
}

impl Operation for EnableKeyRotation {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "EnableKeyRotation", &["KeyId", "RotationPeriodInDays"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let period_days = fields.integer("RotationPeriodInDays", 90..=2560)?;
        Ok(Input { key_id, period_days })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            // What a policy says of the period holds for the one that comes into force, given or not.
            let period_days = match name {
                KeyName::Found { entry, .. } => period_days(input, Some(entry.record())),
                KeyName::Hidden { .. } => period_days(input, None),
            };
            let demand = Demand::on_name("kms:EnableKeyRotation", name);
            demand.with_fact("kms:RotationPeriodInDays", period_days.to_string())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_rotates(key)?;
        check_not_replica(key)?;
        check_state(key, USABLE)?;
        let mut record = key.record().clone();
        let period_days = period_days(authorized.input(), Some(&record));
        let mut change = Transaction::default();
        let schedule = RotationSchedule::starting(doors.clock.now(), period_days);
        doors.keys.reschedule(&mut change, key, &mut record, Some(schedule)).await?;
        key.update(&mut change, &record);
        let event = doors.keys.synchronise_replicas(&mut change, key, &record, &*doors.random).await?;
        Ok(Outcome::silent_change(change).with_service_events(event))
    }
}

/// The period that comes into force: a key that rotates already keeps its own unless another one is given.
fn period_days(input: &Input, key: Option<&KeyRecord>) -> i64 {
    let kept = key.and_then(|key| key.rotation).map(|schedule| schedule.period_days);
    input.period_days.or(kept).unwrap_or(ROTATION_PERIOD_DAYS_DEFAULT)
}
