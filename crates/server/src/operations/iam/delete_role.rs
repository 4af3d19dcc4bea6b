//! DeleteRole: removes a role on which nothing hangs any more; its sessions end with it.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>

use kanuki_store::Transaction;

use super::{members, roles, users::Named};
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
pub struct DeleteRole;

impl Operation for DeleteRole {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteRole", &["RoleName"]);
    type Input = String;
    type Target = Named;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        roles::read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Named>, ApiError> {
        roles::plan(doors, caller, input, "iam:DeleteRole").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let role = authorized.target().get()?;
        let record = role.record();
        let hindrances = [
            (record.instance_profiles > 0, "remove roles from instance profile"),
            (!record.attached.is_empty(), "detach all policies"),
            (!record.inline_policies.is_empty(), "delete policies"),
        ];
        if let Some((_, what)) = hindrances.iter().find(|(hinders, _)| *hinders) {
            return Err(members::delete_conflict(what));
        }
        let mut change = Transaction::default();
        doors.identity.delete_principal(&mut change, authorized.proof(), role).await?;
        Ok(Outcome::silent_change(change))
    }
}
