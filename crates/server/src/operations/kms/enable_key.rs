//! EnableKey: switches a key on.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::KeyState;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, SWITCHABLE, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct EnableKey;

impl Operation for EnableKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "EnableKey", &["KeyId"]);
    /// The key identifier.
    type Input = String;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::key_id(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &String,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:EnableKey", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, SWITCHABLE)?;
        let mut record = key.record().clone();
        record.state = KeyState::Enabled;
        let mut change = Transaction::default();
        // A key that was off when its rotation came due has left the schedule.
        let schedule = record.rotation;
        doors.keys.reschedule(&mut change, key, &mut record, schedule).await?;
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
