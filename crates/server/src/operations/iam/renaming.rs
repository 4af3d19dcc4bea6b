//! The operations that give users and groups another name or path; the id, and what hangs on it, stays.
//!
//! Not here: roles, whose names never change. Rule: the pages of UpdateUser and UpdateGroup of the IAM API reference.

use std::marker::PhantomData;

use kanuki_store::Transaction;

use super::{
    holders::{HolderKind, Kind, NamedHolder},
    members,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// Changes name or path, or both.
#[derive(Debug)]
pub struct Rename<K>(PhantomData<K>);

/// Whose, and which; what is left out stays.
#[derive(Debug)]
pub struct Input {
    name: String,
    new_path: Option<String>,
    new_name: Option<String>,
}

/// What is to be renamed, and what has the new name already.
#[derive(Debug)]
pub struct Target {
    holder: NamedHolder,
    taken: Option<NamedHolder>,
}

impl<K: Kind> Operation for Rename<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        of("UpdateGroup", "UpdateUser", K::KIND),
        of(&["GroupName", "NewPath", "NewGroupName"], &["UserName", "NewPath", "NewUserName"], K::KIND),
    );
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let (member, most) =
            of(("NewGroupName", members::NAME_CHARS_MAX), ("NewUserName", members::NEW_NAME_CHARS_MAX), K::KIND);
        Ok(Input {
            name: K::KIND.read_name(fields)?,
            new_path: members::path(fields, "NewPath")?,
            new_name: members::name(fields, member, most)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let holder = NamedHolder::find(doors, caller, K::KIND, &input.name).await?;
        let taken = match &input.new_name {
            Some(name) => Some(NamedHolder::find(doors, caller, K::KIND, name).await?),
            None => None,
        };
        let action = of("iam:UpdateGroup", "iam:UpdateUser", K::KIND);
        // Both names must be allowed: nobody must be moved to where the caller may not reach.
        let (path, name) = match holder.get() {
            Ok(found) => found.place(),
            Err(_) => ("/", input.name.as_str()),
        };
        let path = input.new_path.as_deref().unwrap_or(path);
        let new = K::KIND.demand_of_new(action, caller, (path, input.new_name.as_deref().unwrap_or(name)));
        let demand = holder.demand(action);
        Ok(Plan::with_more(Target { holder, taken }, demand, [new]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let input = authorized.input();
        let Target { holder, taken } = authorized.target();
        let holder = holder.get()?;
        let taken = taken.as_ref().and_then(|taken| taken.get().ok()).filter(|taken| taken.id() != holder.id());
        if let (Some(_), Some(name)) = (taken, &input.new_name) {
            return Err(members::already_exists(of("Group", "User", K::KIND), name));
        }
        let (path, name) = holder.place();
        let path = input.new_path.as_deref().unwrap_or(path);
        let name = input.new_name.as_deref().unwrap_or(name);
        let mut change = Transaction::default();
        holder.put_place(doors, &mut change, authorized.proof(), (path, name)).await?;
        Ok(Outcome::silent_change(change))
    }
}

/// What belongs to the kind, which is groups or users.
const fn of<T: Copy>(group: T, user: T, kind: HolderKind) -> T {
    kind.pick(group, user, user)
}
