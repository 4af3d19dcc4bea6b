//! ListInstanceProfilesForRole: the instance profiles that a role is in.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html>

use serde::Serialize;

use super::{
    profiles::{self, InstanceProfile},
    roles,
    shapes::Detail,
    users::Named,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::role_profile_key,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListInstanceProfilesForRole;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    role: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    instance_profiles: Vec<InstanceProfile>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListInstanceProfilesForRole {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListInstanceProfilesForRole", &["RoleName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let role = roles::read_name(fields)?;
        Ok(Input { role, page: PageRequest::read_items(fields, "ListInstanceProfilesForRole")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, &input.role, "iam:ListInstanceProfilesForRole").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let page = &authorized.input().page;
        let role = authorized.target().get()?;
        let found = doors.identity.profiles_of_role(role, page).await?;
        let found = page.page(found, |profile| role_profile_key(role, profile));
        let mut instance_profiles = Vec::with_capacity(found.items.len());
        for profile in &found.items {
            instance_profiles.push(profiles::shown(doors, profile, Detail::Listed).await?);
        }
        let marker = found.next;
        Ok(Outcome::answer(Output { instance_profiles, is_truncated: marker.is_some(), marker }))
    }
}
