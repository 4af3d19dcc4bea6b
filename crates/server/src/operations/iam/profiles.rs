//! Instance profiles as targets of operations, and how answers show them.
//!
//! Rule: an instance profile holds one role at most.

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    members, roles,
    shapes::{Detail, Role, instant},
    tagging::{Tagged, Words},
    tags::{self, Tag},
    users::Named,
};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{InstanceProfileRecord, NamedKind, PrincipalKind, StoredProfile, entity_arn},
    operation::Plan,
    wire::Fields,
};

/// An instance profile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InstanceProfile {
    path: String,
    instance_profile_name: String,
    instance_profile_id: String,
    arn: String,
    create_date: String,
    roles: Vec<Role>,
    tags: Option<Vec<Tag>>,
}

/// An instance profile that a name means, if there is one.
#[derive(Debug)]
pub struct NamedProfile {
    account: kanuki_types::AccountId,
    name: String,
    found: Option<StoredProfile>,
}

impl NamedProfile {
    /// Looks a name up in the caller's account.
    pub(super) async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Self, ApiError> {
        let account = caller.caller().account;
        Ok(Self { account, name: name.into(), found: doors.identity.profile_named(account, name).await? })
    }

    /// The access to it that an action needs.
    pub(super) fn demand(&self, action: &'static str) -> Demand {
        let word = NamedKind::InstanceProfile.arn_word();
        let found = self.found.as_ref();
        let arn = found.map_or_else(|| entity_arn(self.account, word, "/", &self.name), StoredProfile::arn);
        let tags = found.map(|found| found.record.tags.clone()).unwrap_or_default();
        Demand::on_entity(action, EntityAccess { arn, account: Some(self.account), kind: AUDIT_KIND, tags })
    }

    /// The profile.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&StoredProfile, ApiError> {
        self.found.as_ref().ok_or_else(|| {
            let message = format!("Instance Profile {} cannot be found.", self.name);
            ApiError::new(ErrorCode::NotFound, message)
        })
    }

    /// Whether there is one.
    pub(super) fn exists(&self) -> bool {
        self.found.is_some()
    }
}

impl Tagged for NamedProfile {
    type Target = Self;
    const WORDS: Words = Words {
        member: "InstanceProfileName",
        tag: ("TagInstanceProfile", "iam:TagInstanceProfile"),
        untag: ("UntagInstanceProfile", "iam:UntagInstanceProfile"),
        list: ("ListInstanceProfileTags", "iam:ListInstanceProfileTags"),
        quota: "TagsPerInstanceProfile",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        read_name(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Self, ApiError> {
        Self::find(doors, caller, name).await
    }

    fn demand(target: &Self, _: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        Ok(target.demand(action))
    }

    fn tags(target: &Self) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.get()?.record.tags)
    }

    async fn put_tags(
        doors: &Doors,
        change: &mut Transaction,
        proof: &Proof,
        target: &Self,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let profile = target.get()?;
        let record = InstanceProfileRecord { tags, ..profile.record.clone() };
        doors.identity.update_profile(change, proof, profile, &record)
    }
}

/// A profile and a role, as operations name them.
#[derive(Debug)]
pub struct PlaceInput {
    profile: String,
    role: String,
}

/// What the two names mean.
#[derive(Debug)]
pub struct Place {
    /// The profile.
    pub(super) profile: NamedProfile,
    /// The role.
    pub(super) role: Named,
}

impl PlaceInput {
    /// Reads both names.
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        Ok(Self { profile: read_name(fields)?, role: roles::read_name(fields)? })
    }

    /// Looks both up.
    pub(super) async fn find(&self, doors: &Doors, caller: &Authenticated) -> Result<Place, ApiError> {
        let profile = NamedProfile::find(doors, caller, &self.profile).await?;
        Ok(Place { profile, role: Named::find(doors, caller, PrincipalKind::Role, &self.role).await? })
    }
}

/// Reads the name of an instance profile.
pub(super) fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
    members::required_name(fields, "InstanceProfileName", members::NAME_CHARS_MAX)
}

/// The plan of an operation on one instance profile.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    name: &str,
    action: &'static str,
) -> Result<Plan<NamedProfile>, ApiError> {
    let named = NamedProfile::find(doors, caller, name).await?;
    let demand = named.demand(action);
    Ok(Plan::new(named, demand))
}

/// An instance profile with its role.
pub(super) async fn shown(doors: &Doors, profile: &StoredProfile, detail: Detail) -> Result<InstanceProfile, ApiError> {
    let record = &profile.record;
    let mut holds = Vec::new();
    if let Some(id) = &record.role {
        let role = doors.identity.stored_principal(profile.account, id).await?;
        let role = role.ok_or_else(|| ApiError::internal("an instance profile holds a role that does not exist"))?;
        holds.push(Role::of(&role, Detail::Listed, &roles::shown_trust(doors, &role).await?, None));
    }
    Ok(InstanceProfile {
        path: record.path.clone(),
        instance_profile_name: record.name.clone(),
        instance_profile_id: profile.id.to_string(),
        arn: profile.arn(),
        create_date: instant(record.created),
        roles: holds,
        tags: (detail == Detail::Full && !record.tags.is_empty()).then(|| tags::listed(&record.tags)),
    })
}

/// The type of an instance profile in audit records.
pub(super) const AUDIT_KIND: &str = "AWS::IAM::InstanceProfile";
