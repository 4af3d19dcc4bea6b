//! GetGroup: a group with its members, page by page.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html>

use serde::Serialize;

use super::{
    holders::{HolderKind, NamedHolder},
    shapes::{Detail, Group, User},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized},
    doors::Doors,
    error::ApiError,
    identity::member_key,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetGroup;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    group: Group,
    users: Vec<User>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for GetGroup {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetGroup", &["GroupName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = NamedHolder;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = HolderKind::Group.read_name(fields)?;
        Ok(Input { name, page: PageRequest::read_items(fields, "GetGroup")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, HolderKind::Group, &input.name).await?;
        let demand = named.demand("iam:GetGroup");
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let page = &authorized.input().page;
        let group = authorized.target().group()?;
        let ids = doors.identity.group_members(group, page).await?;
        let found = page.page(ids, |id| member_key(group, id));
        let mut users = Vec::with_capacity(found.items.len());
        for id in &found.items {
            // A user who left between the two reads is no member any more.
            if let Some(user) = doors.identity.stored_principal(group.account(), id).await? {
                users.push(User::of(&user, Detail::Listed, None));
            }
        }
        let marker = found.next;
        Ok(Outcome::answer(Output { group: Group::of(group), users, is_truncated: marker.is_some(), marker }))
    }
}
