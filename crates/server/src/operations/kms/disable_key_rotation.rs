//! DisableKeyRotation: stops the automatic rotation of a key; its material stays as it is.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html>

use std::sync::Arc;

use kanuki_store::Transaction;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, USABLE, check_not_replica, check_rotates, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DisableKeyRotation;

impl Operation for DisableKeyRotation {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "DisableKeyRotation", &["KeyId"]);
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
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:DisableKeyRotation", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_rotates(key)?;
        check_not_replica(key)?;
        check_state(key, USABLE)?;
        let mut record = key.record().clone();
        let mut change = Transaction::default();
        doors.keys.reschedule(&mut change, key, &mut record, None).await?;
        key.update(&mut change, &record);
        let event = doors.keys.synchronise_replicas(&mut change, key, &record, &*doors.random).await?;
        Ok(Outcome::silent_change(change).with_service_events(event))
    }
}
