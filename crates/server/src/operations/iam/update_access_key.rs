//! UpdateAccessKey: switches an access key on or off, for the very next call.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>

use kanuki_store::Transaction;

use super::access_keys::{self, Whose};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateAccessKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user: Option<String>,
    id: String,
    active: bool,
}

impl Operation for UpdateAccessKey {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateAccessKey", &["UserName", "AccessKeyId", "Status"]);
    type Input = Input;
    type Target = Whose;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let user = access_keys::read_user(fields)?;
        let id = access_keys::read_id(fields)?;
        let active = fields.choice("Status", &[true, false], access_keys::status)?;
        Ok(Input { user, id, active: fields.require("Status", active) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.user.as_ref(), "iam:UpdateAccessKey").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let owner = authorized.target().owner()?;
        let key = access_keys::find(doors, &owner, &authorized.input().id).await?;
        let mut record = key.record().clone();
        record.active = authorized.input().active;
        let mut change = Transaction::default();
        doors.identity.update_access_key(&mut change, authorized.proof(), &owner, (&key, &record))?;
        Ok(Outcome::silent_change(change))
    }
}
