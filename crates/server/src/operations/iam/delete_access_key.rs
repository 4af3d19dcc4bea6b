//! DeleteAccessKey: removes an access key and its secret.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>

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
pub struct DeleteAccessKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user: Option<String>,
    id: String,
}

impl Operation for DeleteAccessKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteAccessKey", &["UserName", "AccessKeyId"]);
    type Input = Input;
    type Target = Whose;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { user: access_keys::read_user(fields)?, id: access_keys::read_id(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.user.as_ref(), "iam:DeleteAccessKey").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let owner = authorized.target().owner()?;
        let key = access_keys::find(doors, &owner, &authorized.input().id).await?;
        let mut change = Transaction::default();
        doors.identity.delete_access_key(&mut change, authorized.proof(), &owner, &key).await?;
        Ok(Outcome::silent_change(change))
    }
}
