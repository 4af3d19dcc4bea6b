//! ListRoles: the roles of the account by name, without tags and boundaries.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>

use serde::Serialize;

use super::{
    members, roles,
    shapes::{Detail, Role},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::PrincipalKind,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListRoles;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    path_prefix: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    roles: Vec<Role>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListRoles {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListRoles", &["PathPrefix", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { path_prefix: members::path_prefix(fields)?, page: PageRequest::read_items(fields, "ListRoles")? })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListRoles")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { path_prefix, page } = authorized.input();
        let account = authorized.caller().caller().account;
        let found = doors.identity.list_principals((account, PrincipalKind::Role), path_prefix, page).await?;
        let mut roles = Vec::with_capacity(found.items.len());
        for role in &found.items {
            roles.push(Role::of(role, Detail::Listed, &roles::shown_trust(doors, role).await?, None));
        }
        Ok(Outcome::answer(Output { roles, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
