//! UpdateKeyDescription: replaces the description of a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html>

use std::sync::Arc;

use kanuki_store::Transaction;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, NOT_PENDING_DELETION, Names, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateKeyDescription;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    description: String,
}

impl Operation for UpdateKeyDescription {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "UpdateKeyDescription", &["KeyId", "Description"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let description = fields.required_text("Description", 0..=8192)?;
        Ok(Input { key_id, description })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:UpdateKeyDescription", name)).await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, NOT_PENDING_DELETION)?;
        let mut record = key.record().clone();
        record.description.clone_from(&authorized.input().description);
        let mut change = Transaction::default();
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
