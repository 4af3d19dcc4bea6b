//! ListGroupsForUser: the groups that a user belongs to.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html>

use serde::Serialize;

use super::{members, pages, shapes::Group, users::Named};
use crate::{
    authn::Authenticated,
    authz::{Authorized},
    doors::Doors,
    error::ApiError,
    identity::PrincipalKind,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListGroupsForUser;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user: String,
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

impl Operation for ListGroupsForUser {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListGroupsForUser", &["UserName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let user = members::required_name(fields, "UserName", members::NAME_CHARS_MAX)?;
        Ok(Input { user, page: PageRequest::read_items(fields, "ListGroupsForUser")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, PrincipalKind::User, &input.user).await?;
        let demand = named.demand("iam:ListGroupsForUser");
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let user = authorized.target().get()?;
        let mut groups = Vec::with_capacity(user.record().groups.len());
        for id in &user.record().groups {
            groups.extend(doors.identity.group(user.account(), id).await?);
        }
        groups.sort_by(|one, other| one.record().name.cmp(&other.record().name));
        let page = pages::of_sorted(&authorized.input().page, groups, |group| group.record().name.as_str());
        let groups = page.items.iter().map(|group| Group::of(group)).collect();
        Ok(Outcome::answer(Output { groups, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
