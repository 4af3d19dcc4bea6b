//! ListUsers: the users of the account by name, without tags and boundaries.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>

use serde::Serialize;

use super::{
    members,
    shapes::{Detail, User},
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
pub struct ListUsers;

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
    users: Vec<User>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListUsers {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListUsers", &["PathPrefix", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { path_prefix: members::path_prefix(fields)?, page: PageRequest::read_items(fields, "ListUsers")? })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListUsers")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { path_prefix, page } = authorized.input();
        let account = authorized.caller().caller().account;
        let found = doors.identity.list_principals((account, PrincipalKind::User), path_prefix, page).await?;
        let users = found.items.iter().map(|user| User::of(user, Detail::Listed, None)).collect();
        Ok(Outcome::answer(Output { users, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
