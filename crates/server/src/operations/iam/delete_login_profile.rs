//! DeleteLoginProfile: there is none: nobody signs in with a password here.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html>

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
pub struct DeleteLoginProfile;

impl Operation for DeleteLoginProfile {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteLoginProfile", &["UserName"]);
    type Input = Option<String>;
    type Target = Whose;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Option<String>, ApiError> {
        access_keys::read_user(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Option<String>) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.as_ref(), "iam:DeleteLoginProfile").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        absent::no_login_profile(authorized.target())
    }
}
