//! RemoveUserFromGroup: ends a user's belonging to a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html>

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
pub struct RemoveUserFromGroup;

impl Operation for RemoveUserFromGroup {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "RemoveUserFromGroup", &["GroupName", "UserName"]);
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
        memberships::plan(doors, caller, input, "iam:RemoveUserFromGroup").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (group, user) = authorized.target().get()?;
        if !user.record().groups.contains(group.id()) {
            return Err(members::no_such("user", &user.record().name));
        }
        let mut change = Transaction::default();
        doors.identity.leave_group(&mut change, authorized.proof(), group, user).await?;
        Ok(Outcome::silent_change(change))
    }
}
