//! ListInstanceProfiles: the instance profiles of the account by name, without tags.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html>

use serde::Serialize;

use super::{
    members,
    profiles::{self, InstanceProfile},
    shapes::Detail,
};
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
pub struct ListInstanceProfiles;

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
    instance_profiles: Vec<InstanceProfile>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListInstanceProfiles {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListInstanceProfiles", &["PathPrefix", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let path_prefix = members::path_prefix(fields)?;
        Ok(Input { path_prefix, page: PageRequest::read_items(fields, "ListInstanceProfiles")? })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListInstanceProfiles")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { path_prefix, page } = authorized.input();
        let account = authorized.caller().caller().account;
        let (found, next) = doors.identity.list_profiles(account, path_prefix, page).await?;
        let mut instance_profiles = Vec::with_capacity(found.len());
        for profile in &found {
            instance_profiles.push(profiles::shown(doors, profile, Detail::Listed).await?);
        }
        let marker = next.map(|key| page.marker(&key));
        Ok(Outcome::answer(Output { instance_profiles, is_truncated: marker.is_some(), marker }))
    }
}
