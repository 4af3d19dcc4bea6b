//! What the operations that make role sessions share: finding the role, the accesses they need, the claims.
//!
//! Not here: how the caller proved who it is. Invariant: a role that does not exist and one that does not trust the
//! caller look the same.

use std::sync::Arc;

use kanuki_types::{AccountId, Arn, PARTITION};

use super::members::{GivenPolicies, GivenTags, HOUR_SECONDS};
use crate::{
    authz::{Demand, RoleAccess},
    doors::Doors,
    error::ApiError,
    identity::{PrincipalEntry, PrincipalKind},
};

/// What the client asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) duration_seconds: Option<i64>,
    pub(super) policies: GivenPolicies,
}

/// A role that an ARN names, if there is one.
#[derive(Debug)]
pub struct WantedRole {
    account: AccountId,
    found: Option<Arc<PrincipalEntry>>,
}

impl WantedRole {
    /// Looks up the role of an ARN.
    ///
    /// # Errors
    /// `ValidationError` for a text that is no role's ARN; or if the store fails.
    pub(super) async fn find(doors: &Doors, role_arn: &str) -> Result<Self, ApiError> {
        let account = role_account(role_arn)?;
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let found = doors.identity.named(account, PrincipalKind::Role, name).await?;
        Ok(Self { account, found: found.filter(|role| role.arn() == role_arn) })
    }

    /// The role.
    ///
    /// # Errors
    /// If there is none, which nothing can have authorized.
    pub(super) fn get(&self) -> Result<&Arc<PrincipalEntry>, ApiError> {
        self.found.as_ref().ok_or_else(|| ApiError::internal("a role that does not exist was authorized"))
    }

    /// The access to it that an action needs. A role that does not exist has no trust policy, and is refused as one that
    /// trusts nobody.
    pub(super) fn demand(&self, action: &'static str, wanted: &Wanted, tags: &GivenTags) -> Demand {
        let trust_policy = self.found.as_ref().and_then(|role| role.trust_policy().cloned());
        let role_tags = self.found.as_ref().map(|role| role.record().tags.clone()).unwrap_or_default();
        let access = RoleAccess { arn: wanted.role_arn.clone(), account: self.account, trust_policy, tags: role_tags };
        let mut demand = Demand::on_role(action, access).with_fact("sts:RoleSessionName", wanted.session_name.as_str());
        if let Some(seconds) = wanted.duration_seconds {
            demand = demand.with_fact("sts:DurationSeconds", seconds.to_string());
        }
        tags.facts(&mut demand);
        demand
    }
}

impl Wanted {
    /// How long the session lives.
    ///
    /// # Errors
    /// `ValidationError` if it would live longer than the role allows, or, made by another session, than an hour.
    pub(super) fn seconds(&self, role: &PrincipalEntry, by_session: bool) -> Result<i64, ApiError> {
        let seconds = self.duration_seconds.unwrap_or(HOUR_SECONDS);
        if by_session && seconds > HOUR_SECONDS {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        if seconds > i64::from(role.record().max_session_seconds()) {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        Ok(seconds)
    }
}

/// The account in the ARN of a role.
///
/// # Errors
/// `ValidationError` for any other text.
pub(super) fn role_account(role_arn: &str) -> Result<AccountId, ApiError> {
    let arn: Option<Arn> = role_arn.parse().ok();
    let arn = arn.filter(|arn| arn.partition == PARTITION && arn.service == "iam" && arn.resource.starts_with("role/"));
    arn.and_then(|arn| arn.account.parse().ok()).ok_or_else(|| ApiError::validation(format!("{role_arn} is invalid")))
}
