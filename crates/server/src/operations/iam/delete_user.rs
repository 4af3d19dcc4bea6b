//! DeleteUser: removes a user on whom nothing hangs any more.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>

use kanuki_store::Transaction;

use super::{members, users::Named};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{PrincipalKind, PrincipalRecord},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteUser;

impl Operation for DeleteUser {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteUser", &["UserName"]);
    type Input = String;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::required_name(fields, "UserName", members::NAME_CHARS_MAX)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Named>, ApiError> {
        let named = Named::find(doors, caller, PrincipalKind::User, input).await?;
        let demand = named.demand("iam:DeleteUser");
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let user = authorized.target().get()?;
        check_free(user.record())?;
        let mut change = Transaction::default();
        doors.identity.delete_principal(&mut change, authorized.proof(), user).await?;
        Ok(Outcome::silent_change(change))
    }
}

/// Checks that nothing hangs on a user.
fn check_free(user: &PrincipalRecord) -> Result<(), ApiError> {
    let hindrances = [
        (!user.attached.is_empty(), "detach all policies"),
        (!user.inline_policies.is_empty(), "delete policies"),
        (!user.access_keys.is_empty(), "delete access keys"),
        (!user.groups.is_empty(), "remove users from group"),
        (!user.mfa_devices.is_empty(), "delete MFA device"),
    ];
    match hindrances.iter().find(|(hinders, _)| *hinders) {
        Some((_, what)) => Err(members::delete_conflict(what)),
        None => Ok(()),
    }
}
