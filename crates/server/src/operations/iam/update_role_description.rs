//! UpdateRoleDescription: another description; the older form of UpdateRole.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html>

use kanuki_store::{Transaction, Versioned};
use serde::Serialize;

use super::{members, roles, shapes::Role, users::Named};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::StoredPrincipal,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateRoleDescription;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    description: String,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    role: Role,
}

impl Operation for UpdateRoleDescription {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateRoleDescription", &["RoleName", "Description"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = roles::read_name(fields)?;
        let description = members::description(fields)?;
        Ok(Input { name, description: fields.require("Description", description) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, &input.name, "iam:UpdateRoleDescription").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let role = authorized.target().get()?;
        let mut record = role.record().clone();
        record.description = Some(authorized.input().description.clone());
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), role, &record).await?;
        let value = Versioned { version: role.version(), value: record };
        let changed = StoredPrincipal::new(role.account(), role.id().clone(), value);
        let changed = changed.map_err(|malformed| ApiError::internal(malformed.message))?;
        Ok(Outcome::change(change, Output { role: roles::shown(doors, &changed).await? }))
    }
}
