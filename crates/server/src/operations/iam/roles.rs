//! Roles as targets of operations: their trust policies, and how answers show them.
//!
//! Rule: a session lives as long as its role lets it, an hour to half a day.

use kanuki_types::Timestamp;

use super::{
    members,
    shapes::{Detail, Role, RoleLastUsed},
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    doors::Doors,
    error::ApiError,
    identity::{PrincipalKind, StoredPrincipal},
    operation::Plan,
    wire::Fields,
};

/// Reads the name of a role.
pub(super) fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
    members::required_name(fields, "RoleName", members::NEW_NAME_CHARS_MAX)
}

/// Reads the longest session, in seconds.
pub(super) fn read_max_session(fields: &mut Fields) -> Result<Option<u32>, ApiError> {
    let seconds = fields.integer("MaxSessionDuration", MAX_SESSION_SECONDS)?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
}

/// The plan of an operation on one role.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    name: &str,
    action: &'static str,
) -> Result<Plan<Named>, ApiError> {
    let named = Named::find(doors, caller, PrincipalKind::Role, name).await?;
    let demand = named.demand(action);
    Ok(Plan::new(named, demand))
}

/// A role's trust policy as it is shown.
pub(super) async fn shown_trust(doors: &Doors, role: &StoredPrincipal) -> Result<String, ApiError> {
    let Some(trust) = &role.record().trust_policy else {
        return Err(ApiError::internal("a role has no trust policy"));
    };
    Ok(doors.identity.shown_document(&trust.text, &trust.principal_ids).await?)
}

/// A role with everything that there is to say about it.
pub(super) async fn shown(doors: &Doors, role: &StoredPrincipal) -> Result<Role, ApiError> {
    let trust = shown_trust(doors, role).await?;
    Ok(Role::of(role, Detail::Full, &trust, users::boundary_arn(doors, role).await?))
}

/// When a role was last used.
pub(super) async fn last_used(doors: &Doors, role: &StoredPrincipal, now: Timestamp) -> Result<RoleLastUsed, ApiError> {
    Ok(RoleLastUsed::of(doors.identity.last_use_of_role(role).await?, now))
}

const MAX_SESSION_SECONDS: std::ops::RangeInclusive<i64> = 3600..=43_200;
