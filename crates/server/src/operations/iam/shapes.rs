//! The structures that answers of IAM are made of.
//!
//! Rule: the data types of the IAM API reference. Policy documents are percent-encoded there; lists leave out what the
//! reference says that they leave out.

use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::Serialize;
use serde_json::Value;

use super::{
    documents,
    tags::{self, Tag},
};
use crate::{
    identity::{
        AWS_POLICY_VERSION, AwsPolicy, GroupEntry, GroupRecord, LastUse, ManagedPolicy, ManagedPolicyRecord,
        StoredPrincipal, UseCounts, version_name,
    },
    wire::lower_camel,
};

/// Which of a user's or role's members an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All.
    Full,
    /// Those of lists: no tags, no boundary.
    Listed,
}

/// A user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    pub(super) path: String,
    pub(super) user_name: Option<String>,
    pub(super) user_id: String,
    pub(super) arn: String,
    pub(super) create_date: String,
    pub(super) permissions_boundary: Option<Boundary>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// The boundary of a user or role.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Boundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

impl Boundary {
    /// The boundary with that policy's ARN.
    pub(super) fn new(arn: String) -> Self {
        Self { permissions_boundary_type: "PermissionsBoundaryPolicy", permissions_boundary_arn: arn }
    }
}

impl User {
    /// A user that is stored; `boundary` is the ARN of its boundary.
    pub(super) fn of(user: &StoredPrincipal, detail: Detail, boundary: Option<String>) -> Self {
        let record = user.record();
        let full = detail == Detail::Full;
        Self {
            path: record.path.clone(),
            user_name: Some(record.name.clone()),
            user_id: user.id().to_string(),
            arn: user.arn(),
            create_date: instant(record.created),
            permissions_boundary: boundary.filter(|_| full).map(Boundary::new),
            tags: (full && !record.tags.is_empty()).then(|| tags::listed(&record.tags)),
        }
    }
}

/// A role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: String,
    assume_role_policy_document: Option<String>,
    description: Option<String>,
    max_session_duration: u32,
    permissions_boundary: Option<Boundary>,
    tags: Option<Vec<Tag>>,
    role_last_used: Option<RoleLastUsed>,
}

/// When and where a role was last used; nothing if it was not within the time that is told of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleLastUsed {
    last_used_date: Option<String>,
    region: Option<String>,
}

impl RoleLastUsed {
    /// What is told of a last use.
    pub(super) fn of(last: Option<LastUse>, now: Timestamp) -> Self {
        let last = last.filter(|last| last.at.plus_seconds(ROLE_USE_TOLD_SECONDS) > now);
        let (last_used_date, region) = last.map(|last| (instant(last.at), last.region)).unzip();
        Self { last_used_date, region }
    }
}

impl Role {
    /// A role that is stored; `trust` is its trust policy as it is shown, `boundary` the ARN of its boundary.
    pub(super) fn of(role: &StoredPrincipal, detail: Detail, trust: &str, boundary: Option<String>) -> Self {
        let record = role.record();
        let full = detail == Detail::Full;
        Self {
            path: record.path.clone(),
            role_name: record.name.clone(),
            role_id: role.id().to_string(),
            arn: role.arn(),
            create_date: instant(record.created),
            assume_role_policy_document: Some(documents::encoded(trust)),
            description: record.description.clone(),
            max_session_duration: record.max_session_seconds(),
            permissions_boundary: boundary.filter(|_| full).map(Boundary::new),
            tags: (full && !record.tags.is_empty()).then(|| tags::listed(&record.tags)),
            role_last_used: None,
        }
    }

    /// The same with its last use.
    pub(super) fn with_last_use(self, last: RoleLastUsed) -> Self {
        Self { role_last_used: Some(last), ..self }
    }
}

/// A group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: String,
}

impl Group {
    /// A group that is stored.
    pub(super) fn of(group: &GroupEntry) -> Self {
        Self::new(group.record(), group.id(), group.arn())
    }

    /// A group with its id and ARN.
    pub(super) fn new(record: &GroupRecord, id: &UniqueId, arn: String) -> Self {
        Self {
            path: record.path.clone(),
            group_name: record.name.clone(),
            group_id: id.to_string(),
            arn,
            create_date: instant(record.created),
        }
    }
}

/// A managed policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    policy_name: String,
    policy_id: String,
    arn: String,
    path: String,
    default_version_id: String,
    attachment_count: u64,
    permissions_boundary_usage_count: u64,
    is_attachable: bool,
    description: Option<String>,
    create_date: String,
    update_date: String,
    tags: Option<Vec<Tag>>,
}

impl Policy {
    /// A managed policy with the number of its uses.
    pub(super) fn of(policy: &ManagedPolicy, uses: UseCounts, detail: Detail) -> Self {
        match policy {
            ManagedPolicy::Aws(policy) => Self::of_aws(policy, uses, detail),
            ManagedPolicy::Own(entry) => Self::of_own(entry.record(), (entry.id(), entry.account()), uses, detail),
        }
    }

    /// One of the account's own.
    pub(super) fn of_own(
        record: &ManagedPolicyRecord,
        (id, account): (&UniqueId, AccountId),
        uses: UseCounts,
        detail: Detail,
    ) -> Self {
        let full = detail == Detail::Full;
        Self {
            policy_name: record.name.clone(),
            policy_id: id.to_string(),
            arn: record.arn(account),
            path: record.path.clone(),
            default_version_id: version_name(record.default_version),
            attachment_count: uses.attachments,
            permissions_boundary_usage_count: uses.boundaries,
            is_attachable: true,
            description: record.description.clone().filter(|_| full),
            create_date: instant(record.created),
            update_date: instant(record.updated),
            tags: (full && !record.tags.is_empty()).then(|| tags::listed(&record.tags)),
        }
    }

    /// The same without tags.
    pub(super) fn without_tags(self) -> Self {
        Self { tags: None, ..self }
    }

    /// The name.
    pub(super) fn name(&self) -> &str {
        &self.policy_name
    }

    fn of_aws(policy: &AwsPolicy, uses: UseCounts, detail: Detail) -> Self {
        Self {
            policy_name: policy.name.into(),
            policy_id: policy.id.into(),
            arn: policy.arn(),
            path: policy.path.into(),
            default_version_id: AWS_POLICY_VERSION.into(),
            attachment_count: uses.attachments,
            permissions_boundary_usage_count: uses.boundaries,
            is_attachable: true,
            description: (detail == Detail::Full).then(|| policy.description.into()),
            create_date: instant(policy.created()),
            update_date: instant(policy.created()),
            tags: None,
        }
    }
}

/// A version of a managed policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyVersion {
    pub(super) document: Option<String>,
    pub(super) version_id: String,
    pub(super) is_default_version: bool,
    pub(super) create_date: String,
}

/// An instant as IAM writes it.
pub(super) fn instant(at: Timestamp) -> String {
    at.iso8601()
}

/// An answer as an audit record writes it: names begin with a small letter.
pub(super) fn recorded(output: &impl Serialize) -> Value {
    fn small(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(members.map(|(name, value)| (lower_camel(&name), small(value))).collect())
            }
            Value::Array(items) => items.into_iter().map(small).collect(),
            other => other,
        }
    }
    serde_json::to_value(output).map(small).unwrap_or(Value::Null)
}

/// How long the use of a role is told, in seconds: 400 days (the data type RoleLastUsed of the IAM API reference).
const ROLE_USE_TOLD_SECONDS: i64 = 400 * 86_400;
