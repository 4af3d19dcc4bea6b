//! UpdateGroup: another name or path; the id, and what hangs on it, stays.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html>

use kanuki_store::Transaction;

use super::{
    holders::{self, HolderKind, NamedHolder},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateGroup;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    new_path: Option<String>,
    new_name: Option<String>,
}

/// The group, and which one has the new name already.
#[derive(Debug)]
pub struct Target {
    group: NamedHolder,
    taken: Option<NamedHolder>,
}

impl Operation for UpdateGroup {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateGroup", &["GroupName", "NewPath", "NewGroupName"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            name: HolderKind::Group.read_name(fields)?,
            new_path: members::path(fields, "NewPath")?,
            new_name: members::name(fields, "NewGroupName", members::NAME_CHARS_MAX)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let group = NamedHolder::find(doors, caller, HolderKind::Group, &input.name).await?;
        let taken = match &input.new_name {
            Some(name) => Some(NamedHolder::find(doors, caller, HolderKind::Group, name).await?),
            None => None,
        };
        let demand = group.demand("iam:UpdateGroup");
        // Both names must be allowed, as for users.
        let (path, name) = match group.group() {
            Ok(found) => (found.record().path.clone(), found.record().name.clone()),
            Err(_) => ("/".to_owned(), input.name.clone()),
        };
        let place = (input.new_path.as_ref().unwrap_or(&path), input.new_name.as_ref().unwrap_or(&name));
        let new = holders::demand_of_new_group(caller.caller().account, place.0, place.1);
        let new = Demand { action: "iam:UpdateGroup", ..new };
        Ok(Plan::with_more(Target { group, taken }, demand, [new]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let input = authorized.input();
        let Target { group, taken } = authorized.target();
        let group = group.group()?;
        let taken = taken.as_ref().and_then(|taken| taken.group().ok()).filter(|taken| taken.id() != group.id());
        if let (Some(_), Some(name)) = (taken, &input.new_name) {
            return Err(members::already_exists("Group", name));
        }
        let mut record = group.record().clone();
        record.path = input.new_path.clone().unwrap_or(record.path);
        record.name = input.new_name.clone().unwrap_or(record.name);
        let mut change = Transaction::default();
        doors.identity.update_group(&mut change, authorized.proof(), group, &record).await?;
        Ok(Outcome::silent_change(change))
    }
}
