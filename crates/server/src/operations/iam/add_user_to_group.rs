//! AddUserToGroup: lets a user belong to a group; who belongs to it already stays so.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html>

use kanuki_store::Transaction;

use super::{
    members,
    memberships::{self, Membership},
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
pub struct AddUserToGroup;

impl Operation for AddUserToGroup {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "AddUserToGroup", &["GroupName", "UserName"]);
    type Input = memberships::Input;
    type Target = Membership;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<memberships::Input, ApiError> {
        memberships::read(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &memberships::Input,
    ) -> Result<Plan<Membership>, ApiError> {
        memberships::plan(doors, caller, input, "iam:AddUserToGroup").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (group, user) = authorized.target().get()?;
        if user.record().groups.contains(group.id()) {
            return Ok(Outcome::nothing());
        }
        if user.record().groups.len() >= memberships::GROUPS_MAX {
            return Err(members::over_quota("GroupsPerUser", memberships::GROUPS_MAX));
        }
        let mut change = Transaction::default();
        doors.identity.join_group(&mut change, authorized.proof(), group, user)?;
        Ok(Outcome::silent_change(change))
    }
}
