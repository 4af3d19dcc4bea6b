//! GetInstanceProfile: an instance profile with its role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetInstanceProfile.html>

use serde::Serialize;

use super::{
    profiles::{self, InstanceProfile, NamedProfile},
    shapes::Detail,
};
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
pub struct GetInstanceProfile;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    instance_profile: InstanceProfile,
}

impl Operation for GetInstanceProfile {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetInstanceProfile", &["InstanceProfileName"]);
    type Input = String;
    type Target = NamedProfile;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        profiles::read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedProfile>, ApiError> {
        profiles::plan(doors, caller, input, "iam:GetInstanceProfile").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let profile = authorized.target().get()?;
        Ok(Outcome::answer(Output { instance_profile: profiles::shown(doors, profile, Detail::Full).await? }))
    }
}
