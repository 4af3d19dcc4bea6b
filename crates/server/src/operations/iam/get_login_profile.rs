//! GetLoginProfile: there is none: nobody signs in with a password here.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html>

use super::{
    absent,
    access_keys::{self, Whose},
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
pub struct GetLoginProfile;

impl Operation for GetLoginProfile {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetLoginProfile", &["UserName"]);
    type Input = Option<String>;
    type Target = Whose;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Option<String>, ApiError> {
        access_keys::read_user(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Option<String>) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.as_ref(), "iam:GetLoginProfile").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        absent::no_login_profile(authorized.target())
    }
}
