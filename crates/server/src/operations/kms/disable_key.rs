//! DisableKey: switches a key off: nobody can use it until it is switched on again.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::KeyState;

use super::{members, unused_days::with_unused_days};
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
pub struct DisableKey;

impl Operation for DisableKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "DisableKey", &["KeyId"]);
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
        let name = members::resolve(doors, caller, input, Names::Keys).await?;
        let demand = with_unused_days(doors, Demand::on_name("kms:DisableKey", &name)).await?;
        Ok(Plan::new(members::found(name), demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, SWITCHABLE)?;
        let mut record = key.record().clone();
        record.state = KeyState::Disabled;
        let mut change = Transaction::default();
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
