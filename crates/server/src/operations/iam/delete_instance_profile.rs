//! DeleteInstanceProfile: removes an instance profile without a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html>

use kanuki_store::Transaction;

use super::{
    members,
    profiles::{self, NamedProfile},
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
pub struct DeleteInstanceProfile;

impl Operation for DeleteInstanceProfile {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "DeleteInstanceProfile", &["InstanceProfileName"]);
    type Input = String;
    type Target = NamedProfile;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        profiles::read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedProfile>, ApiError> {
        profiles::plan(doors, caller, input, "iam:DeleteInstanceProfile").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let profile = authorized.target().get()?;
        if profile.record.role.is_some() {
            return Err(members::delete_conflict("remove roles from instance profile"));
        }
        let mut change = Transaction::default();
        doors.identity.delete_profile(&mut change, authorized.proof(), profile).await?;
        Ok(Outcome::silent_change(change))
    }
}
