//! Entities with everything that gives or limits rights: the structures of GetAccountAuthorizationDetails.
//!
//! Rule: the data types UserDetail, GroupDetail, RoleDetail and ManagedPolicyDetail of the IAM API reference.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_types::{AccountId, Timestamp};
use serde::Serialize;

use super::{
    attachments::{self, AttachedPolicy},
    documents,
    holders::Held,
    list_policy_versions::versions_of,
    policies,
    profiles::{self, InstanceProfile},
    roles,
    shapes::{Boundary, Detail, PolicyVersion, RoleLastUsed, instant},
    tags::{self, Tag},
    users,
};
use crate::{
    doors::Doors,
    error::ApiError,
    identity::{GroupEntry, ManagedPolicy, StoredPrincipal},
    keys::PageRequest,
};

/// An inline policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InlinePolicy {
    policy_name: String,
    policy_document: String,
}

/// A user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDetail {
    path: String,
    user_name: String,
    user_id: String,
    arn: String,
    create_date: String,
    user_policy_list: Vec<InlinePolicy>,
    group_list: Vec<String>,
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<Boundary>,
    tags: Vec<Tag>,
}

/// A group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupDetail {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: String,
    group_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
}

/// A role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleDetail {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: String,
    assume_role_policy_document: String,
    instance_profile_list: Vec<InstanceProfile>,
    role_policy_list: Vec<InlinePolicy>,
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<Boundary>,
    tags: Vec<Tag>,
    role_last_used: RoleLastUsed,
}

/// A managed policy with its versions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyDetail {
    #[serde(flatten)]
    policy: super::shapes::Policy,
    policy_version_list: Vec<PolicyVersion>,
}

/// A user with everything.
pub(super) async fn user(doors: &Doors, user: &Arc<StoredPrincipal>) -> Result<UserDetail, ApiError> {
    let record = user.record();
    let mut group_list = Vec::with_capacity(record.groups.len());
    for id in &record.groups {
        group_list.extend(doors.identity.group(user.account(), id).await?.map(|group| group.record().name.clone()));
    }
    Ok(UserDetail {
        path: record.path.clone(),
        user_name: record.name.clone(),
        user_id: user.id().to_string(),
        arn: user.arn(),
        create_date: instant(record.created),
        user_policy_list: inline(&record.inline_policies),
        group_list,
        attached_managed_policies: attached(doors, user.account(), Held::Principal(Arc::clone(user))).await?,
        permissions_boundary: users::boundary_arn(doors, user).await?.map(Boundary::new),
        tags: tags::listed(&record.tags),
    })
}

/// A group with everything.
pub(super) async fn group(doors: &Doors, group: &Arc<GroupEntry>) -> Result<GroupDetail, ApiError> {
    let record = group.record();
    Ok(GroupDetail {
        path: record.path.clone(),
        group_name: record.name.clone(),
        group_id: group.id().to_string(),
        arn: group.arn(),
        create_date: instant(record.created),
        group_policy_list: inline(&record.inline_policies),
        attached_managed_policies: attached(doors, group.account(), Held::Group(Arc::clone(group))).await?,
    })
}

/// A role with everything; of the instance profiles the first [`PROFILES_MAX`].
pub(super) async fn role(doors: &Doors, role: &Arc<StoredPrincipal>, now: Timestamp) -> Result<RoleDetail, ApiError> {
    let record = role.record();
    let mut instance_profile_list = Vec::new();
    if record.instance_profiles > 0 {
        let page = PageRequest::first("ListInstanceProfilesForRole", PROFILES_MAX);
        for profile in doors.identity.profiles_of_role(role, &page).await?.iter().take(PROFILES_MAX) {
            instance_profile_list.push(profiles::shown(doors, profile, Detail::Listed).await?);
        }
    }
    Ok(RoleDetail {
        path: record.path.clone(),
        role_name: record.name.clone(),
        role_id: role.id().to_string(),
        arn: role.arn(),
        create_date: instant(record.created),
        assume_role_policy_document: documents::encoded(&roles::shown_trust(doors, role).await?),
        instance_profile_list,
        role_policy_list: inline(&record.inline_policies),
        attached_managed_policies: attached(doors, role.account(), Held::Principal(Arc::clone(role))).await?,
        permissions_boundary: users::boundary_arn(doors, role).await?.map(Boundary::new),
        tags: tags::listed(&record.tags),
        role_last_used: roles::last_used(doors, role, now).await?,
    })
}

/// A managed policy with the texts of its versions.
pub(super) async fn policy(
    doors: &Doors,
    account: AccountId,
    policy: &ManagedPolicy,
) -> Result<PolicyDetail, ApiError> {
    let uses = doors.identity.policy_uses(account, &policy.reference()).await?;
    let mut policy_version_list = Vec::new();
    for (_, mut version) in versions_of(policy) {
        version.document = Some(documents::encoded(&policies::text(doors, policy, &version.version_id).await?));
        policy_version_list.push(version);
    }
    let policy = super::shapes::Policy::of(policy, uses, Detail::Full).without_tags();
    Ok(PolicyDetail { policy, policy_version_list })
}

async fn attached(doors: &Doors, account: AccountId, held: Held) -> Result<Vec<AttachedPolicy>, ApiError> {
    attachments::attached_policies(doors, account, &held, "/").await
}

fn inline(policies: &BTreeMap<String, String>) -> Vec<InlinePolicy> {
    let policy = |(name, text): (&String, &String)| InlinePolicy {
        policy_name: name.clone(),
        policy_document: documents::encoded(text),
    };
    policies.iter().map(policy).collect()
}

/// Most instance profiles of a role that its details list.
const PROFILES_MAX: usize = 20;
