//! ListGroups: the groups of the account by name.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html>

use serde::Serialize;

use super::{members, shapes::Group};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListGroups;

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
    groups: Vec<Group>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListGroups {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListGroups", &["PathPrefix", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { path_prefix: members::path_prefix(fields)?, page: PageRequest::read_items(fields, "ListGroups")? })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListGroups")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { path_prefix, page } = authorized.input();
        let found = doors.identity.list_groups(authorized.caller().caller().account, path_prefix, page).await?;
        let groups = found.items.iter().map(|group| Group::of(group)).collect();
        Ok(Outcome::answer(Output { groups, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
