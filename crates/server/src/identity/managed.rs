//! Managed policies: the account's own with their versions, and the service's, which come with this program.
//!
//! Not here: which entities use them. Invariants: whoever uses a policy names its unique id, so that a policy that is
//! deleted and made again under its name gives nothing to those who used the old one; a version's text never changes.

use std::{collections::BTreeMap, sync::Arc};

use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_store::{Keyspace, Versioned};
use kanuki_types::{AccountId, PARTITION, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::{
    aws_managed::AwsPolicy,
    names::{NamedKind, entity_arn},
};
use crate::keyspaces;

/// How records name a managed policy: the unique id of an account's own, the ARN of one of the service's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyRef(String);

impl PolicyRef {
    /// A policy of the account's own.
    #[must_use]
    pub fn own(id: &UniqueId) -> Self {
        Self(id.as_str().into())
    }

    /// A policy of the service's.
    #[must_use]
    pub fn aws(policy: &AwsPolicy) -> Self {
        Self(policy.arn())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN, if it is one of the service's.
    #[must_use]
    pub fn aws_arn(&self) -> Option<&str> {
        self.0.starts_with("arn:").then_some(self.0.as_str())
    }

    /// The unique id, if it is one of the account's own.
    #[must_use]
    pub fn own_id(&self) -> Option<UniqueId> {
        self.aws_arn().is_none().then(|| UniqueId::new(&self.0))
    }
}

/// The account's own managed policies by account and unique id.
#[derive(Debug)]
pub struct ManagedPolicies;

impl Keyspace for ManagedPolicies {
    const ID: u8 = keyspaces::MANAGED_POLICIES;
    const NAME: &'static str = "managed policies";
    type Key = (AccountId, UniqueId);
    type Value = ManagedPolicyRecord;
}

/// A managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedPolicyRecord {
    /// `/` or `/…/`.
    pub path: String,
    /// The name, in the spelling it was made with.
    pub name: String,
    /// What it is for, in its owner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When its newest version was made.
    pub updated: Timestamp,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// When each version was made, by number.
    pub versions: BTreeMap<u32, Timestamp>,
    /// The version in force.
    pub default_version: u32,
    /// The number of the next version; numbers are never used again.
    pub next_version: u32,
}

impl ManagedPolicyRecord {
    /// The ARN that the policy has in an account.
    #[must_use]
    pub fn arn(&self, account: AccountId) -> String {
        entity_arn(account, NamedKind::Policy.arn_word(), &self.path, &self.name)
    }
}

/// The texts of the versions: account, policy, number.
#[derive(Debug)]
pub struct PolicyVersions;

impl Keyspace for PolicyVersions {
    const ID: u8 = keyspaces::POLICY_VERSIONS;
    const NAME: &'static str = "policy versions";
    type Key = (AccountId, UniqueId, String);
    type Value = PolicyVersionRecord;
}

/// A version of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersionRecord {
    /// The text, byte for byte.
    pub text: String,
}

/// The name of a version, such as `v1`.
#[must_use]
pub fn version_name(number: u32) -> String {
    format!("v{number}")
}

/// How often a policy is used in an account: account, policy.
#[derive(Debug)]
pub struct PolicyUses;

impl Keyspace for PolicyUses {
    const ID: u8 = keyspaces::POLICY_USES;
    const NAME: &'static str = "policy uses";
    type Key = (AccountId, String);
    type Value = UseCounts;
}

/// How often a policy is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseCounts {
    /// To how many entities it is attached.
    pub attachments: u64,
    /// Of how many entities it is the permissions boundary.
    pub boundaries: u64,
}

/// Who uses a policy: account, policy, use, entity.
#[derive(Debug)]
pub struct PolicyEntities;

impl Keyspace for PolicyEntities {
    const ID: u8 = keyspaces::POLICY_ENTITIES;
    const NAME: &'static str = "policy entities";
    type Key = (AccountId, String, String, UniqueId);
    type Value = ();
}

/// An account's own managed policy, ready for use.
#[derive(Debug)]
pub struct ManagedEntry {
    account: AccountId,
    id: UniqueId,
    version: u64,
    record: ManagedPolicyRecord,
}

impl ManagedEntry {
    pub(super) fn new(account: AccountId, id: UniqueId, stored: Versioned<ManagedPolicyRecord>) -> Self {
        let Versioned { version, value: record } = stored;
        Self { account, id, version, record }
    }

    /// The unique id.
    #[must_use]
    pub fn id(&self) -> &UniqueId {
        &self.id
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The version of the record that a change has to name.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &ManagedPolicyRecord {
        &self.record
    }

    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.arn(self.account)
    }
}

/// A version of a managed policy with its text, compiled.
#[derive(Debug)]
pub struct PolicyVersionEntry {
    version: u64,
    text: String,
    document: Arc<Document>,
}

impl PolicyVersionEntry {
    pub(super) fn new(stored: Versioned<PolicyVersionRecord>) -> Result<Self, Malformed> {
        let Versioned { version, value: PolicyVersionRecord { text } } = stored;
        let document = Arc::new(Document::parse(Target::Identity, &text)?);
        Ok(Self { version, text, document })
    }

    /// The version of the record that a change has to name.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document under the name that reasons give it.
    pub(super) fn named(&self, arn: &str) -> NamedDocument {
        NamedDocument { name: arn.into(), document: Arc::clone(&self.document) }
    }
}

/// A managed policy that an ARN names.
#[derive(Debug, Clone)]
pub enum ManagedPolicy {
    /// One of the service's.
    Aws(&'static AwsPolicy),
    /// One of the account's own.
    Own(Arc<ManagedEntry>),
}

impl ManagedPolicy {
    /// How records name it.
    #[must_use]
    pub fn reference(&self) -> PolicyRef {
        match self {
            Self::Aws(policy) => PolicyRef::aws(policy),
            Self::Own(entry) => PolicyRef::own(entry.id()),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::Aws(policy) => policy.arn(),
            Self::Own(entry) => entry.arn(),
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Aws(policy) => policy.name,
            Self::Own(entry) => &entry.record().name,
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Aws(policy) => policy.path,
            Self::Own(entry) => &entry.record().path,
        }
    }
}

/// What the ARN of a managed policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyArn {
    /// The account; none for the service's own.
    pub account: Option<AccountId>,
    /// The path.
    pub path: String,
    /// The name.
    pub name: String,
}

impl PolicyArn {
    /// Reads `arn:aws:iam::ACCOUNT:policy/PATH/NAME`; none for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":iam::")?;
        let (account, resource) = rest.split_once(':')?;
        let account = match account {
            "aws" => None,
            digits => Some(digits.parse().ok()?),
        };
        let (path, name) = resource.strip_prefix("policy")?.rsplit_once('/')?;
        let is_right = (path.is_empty() || path.starts_with('/')) && !name.is_empty();
        is_right.then(|| Self { account, path: format!("{path}/"), name: name.into() })
    }
}
