//! DeleteGroup: removes a group without members and policies.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html>

use kanuki_store::Transaction;

use super::{
    holders::{HolderKind, NamedHolder},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteGroup;

impl Operation for DeleteGroup {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteGroup", &["GroupName"]);
    type Input = String;
    type Target = NamedHolder;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        HolderKind::Group.read_name(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, HolderKind::Group, input).await?;
        let demand = named.demand("iam:DeleteGroup");
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let group = authorized.target().group()?;
        let record = group.record();
        let hindrances = [
            (!record.attached.is_empty(), "detach all policies"),
            (!record.inline_policies.is_empty(), "delete policies"),
            (record.members > 0, "remove users from group"),
        ];
        if let Some((_, what)) = hindrances.iter().find(|(hinders, _)| *hinders) {
            return Err(members::delete_conflict(what));
        }
        let mut change = Transaction::default();
        doors.identity.delete_group(&mut change, authorized.proof(), group).await?;
        Ok(Outcome::silent_change(change))
    }
}
