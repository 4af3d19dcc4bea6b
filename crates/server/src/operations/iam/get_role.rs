//! GetRole: a role with its trust policy and its last use.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>

use serde::Serialize;

use super::{roles, shapes::Role, users::Named};
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
pub struct GetRole;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    role: Role,
}

impl Operation for GetRole {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetRole", &["RoleName"]);
    type Input = String;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        roles::read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, input, "iam:GetRole").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let role = authorized.target().get()?;
        let last = roles::last_used(doors, role, authorized.circumstances().now).await?;
        Ok(Outcome::answer(Output { role: roles::shown(doors, role).await?.with_last_use(last) }))
    }
}
