//! UpdateAssumeRolePolicy: another trust policy, in force for the very next AssumeRole.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>

use kanuki_store::Transaction;

use super::{documents, members, roles, users::Named};
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
pub struct UpdateAssumeRolePolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    trust: String,
}

impl Operation for UpdateAssumeRolePolicy {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateAssumeRolePolicy", &["RoleName", "PolicyDocument"]);
    type Input = Input;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { name: roles::read_name(fields)?, trust: members::document(fields, "PolicyDocument")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, &input.name, "iam:UpdateAssumeRolePolicy").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let role = authorized.target().get()?;
        let mut record = role.record().clone();
        record.trust_policy = Some(documents::read_trust(doors, &authorized.input().trust).await?);
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), role, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}
