//! UpdateRole: another description or longest session; what is left out stays.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>

use kanuki_store::Transaction;
use serde::Serialize;

use super::{members, roles, users::Named};
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
pub struct UpdateRole;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    description: Option<String>,
    max_session_seconds: Option<u32>,
}

/// What it gets: a structure without members.
#[derive(Debug, Serialize)]
pub struct Output {}

impl Operation for UpdateRole {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateRole", &["RoleName", "Description", "MaxSessionDuration"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            name: roles::read_name(fields)?,
            description: members::description(fields)?,
            max_session_seconds: roles::read_max_session(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, &input.name, "iam:UpdateRole").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let role = authorized.target().get()?;
        let mut record = role.record().clone();
        record.description = input.description.clone().or(record.description);
        record.max_session_seconds = input.max_session_seconds.or(record.max_session_seconds);
        let mut change = Transaction::default();
        doors.identity.update_principal(&mut change, authorized.proof(), role, &record).await?;
        Ok(Outcome::change(change, Output {}))
    }
}
