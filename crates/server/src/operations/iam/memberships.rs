//! Memberships as targets of operations: a user and a group. What is authorized is the group.

use std::sync::Arc;

use super::{
    holders::{HolderKind, NamedHolder},
    members,
    users::Named,
};
use crate::{
    authn::Authenticated,
    doors::Doors,
    error::ApiError,
    identity::{GroupEntry, PrincipalKind, StoredPrincipal},
    operation::Plan,
    wire::Fields,
};

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    group: String,
    user: String,
}

/// Whom the names mean.
#[derive(Debug)]
pub struct Membership {
    group: NamedHolder,
    user: Named,
}

impl Membership {
    /// The two.
    ///
    /// # Errors
    /// `NoSuchEntity` for the group first.
    pub(super) fn get(&self) -> Result<(&Arc<GroupEntry>, &Arc<StoredPrincipal>), ApiError> {
        Ok((self.group.group()?, self.user.get()?))
    }
}

/// Reads the names.
pub(super) fn read(fields: &mut Fields) -> Result<Input, ApiError> {
    let group = HolderKind::Group.read_name(fields)?;
    Ok(Input { group, user: members::required_name(fields, "UserName", members::NAME_CHARS_MAX)? })
}

/// The plan of an operation on a membership.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    input: &Input,
    action: &'static str,
) -> Result<Plan<Membership>, ApiError> {
    let group = NamedHolder::find(doors, caller, HolderKind::Group, &input.group).await?;
    let user = Named::find(doors, caller, PrincipalKind::User, &input.user).await?;
    let demand = group.demand(action);
    Ok(Plan::new(Membership { group, user }, demand))
}

/// Most groups of a user.
pub(super) const GROUPS_MAX: usize = 10;
