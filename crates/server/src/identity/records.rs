//! The records of identity, as they are stored.
//!
//! Invariant: unknown members of a record are refused, so that an older server never rewrites a newer one's record.

use std::collections::{BTreeMap, BTreeSet};

use kanuki_store::{KeyPart, KeyReader, KeyWriter, Keyspace};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::managed::PolicyRef;
use crate::keyspaces;

/// Accounts by id.
#[derive(Debug)]
pub struct Accounts;

impl Keyspace for Accounts {
    const ID: u8 = keyspaces::ACCOUNTS;
    const NAME: &'static str = "accounts";
    type Key = AccountId;
    type Value = AccountRecord;
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// When it was made.
    pub created: Timestamp,
    /// The access keys of the account's root.
    #[serde(default)]
    pub root_access_keys: BTreeSet<String>,
    /// Its name for people, unique in the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl AccountRecord {
    /// An account that nothing was said about.
    #[must_use]
    pub fn new(created: Timestamp) -> Self {
        Self { created, root_access_keys: BTreeSet::new(), alias: None }
    }
}

/// Users and roles by account and unique id.
#[derive(Debug)]
pub struct Principals;

impl Keyspace for Principals {
    const ID: u8 = keyspaces::PRINCIPALS;
    const NAME: &'static str = "principals";
    type Key = (AccountId, UniqueId);
    type Value = PrincipalRecord;
}

/// A user or role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalRecord {
    /// Which of the two.
    pub kind: PrincipalKind,
    /// `/` or `/…/`.
    pub path: String,
    /// The name, in the spelling it was made with.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Inline policies: text by name.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, String>,
    /// A role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_policy: Option<TrustPolicy>,
    /// Attached managed policies.
    #[serde(default)]
    pub attached: BTreeSet<PolicyRef>,
    /// The managed policy that limits what the other policies give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<PolicyRef>,
    /// The groups of a user.
    #[serde(default)]
    pub groups: BTreeSet<UniqueId>,
    /// The access keys of a user.
    #[serde(default)]
    pub access_keys: BTreeSet<String>,
    /// What a role is for, in its owner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The longest session of a role, in seconds; none means [`MAX_SESSION_SECONDS_DEFAULT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_seconds: Option<u32>,
    /// In how many instance profiles a role is.
    #[serde(default)]
    pub instance_profiles: u32,
    /// The serial numbers of a user's devices that show one-time codes.
    #[serde(default)]
    pub mfa_devices: BTreeSet<String>,
}

impl PrincipalRecord {
    /// A principal that nothing was said about but its name.
    #[must_use]
    pub fn new(kind: PrincipalKind, path: &str, name: &str, created: Timestamp) -> Self {
        Self {
            kind,
            path: path.into(),
            name: name.into(),
            created,
            tags: BTreeMap::new(),
            inline_policies: BTreeMap::new(),
            trust_policy: None,
            attached: BTreeSet::new(),
            boundary: None,
            groups: BTreeSet::new(),
            access_keys: BTreeSet::new(),
            description: None,
            max_session_seconds: None,
            instance_profiles: 0,
            mfa_devices: BTreeSet::new(),
        }
    }

    /// The longest session of a role, in seconds.
    #[must_use]
    pub fn max_session_seconds(&self) -> u32 {
        self.max_session_seconds.unwrap_or(MAX_SESSION_SECONDS_DEFAULT)
    }
}

/// The longest session of a role whose owner chose none, in seconds ("CreateRole" of the IAM API reference).
pub const MAX_SESSION_SECONDS_DEFAULT: u32 = 3600;

/// A trust policy with the ids that its principals had when it was stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    /// The text as submitted.
    pub text: String,
    /// Unique id by ARN.
    pub principal_ids: BTreeMap<String, UniqueId>,
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A role.
    Role,
    /// A user.
    User,
}

impl PrincipalKind {
    /// The first letters of its ids ("IAM identifiers" of the IAM user guide).
    #[must_use]
    pub const fn id_prefix(self) -> &'static str {
        match self {
            Self::Role => "AROA",
            Self::User => "AIDA",
        }
    }

    /// Its word in ARNs.
    #[must_use]
    pub const fn arn_word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

impl KeyPart for PrincipalKind {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&[match self {
            Self::Role => 1,
            Self::User => 2,
        }]);
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        match key.fixed::<1>()? {
            [1] => Some(Self::Role),
            [2] => Some(Self::User),
            _ => None,
        }
    }
}

/// Unique ids by account, kind and lower-case name.
#[derive(Debug)]
pub struct PrincipalNames;

impl Keyspace for PrincipalNames {
    const ID: u8 = keyspaces::PRINCIPAL_NAMES;
    const NAME: &'static str = "principal names";
    type Key = (AccountId, PrincipalKind, String);
    type Value = UniqueId;
}

/// Access keys by id.
#[derive(Debug)]
pub struct AccessKeys;

impl Keyspace for AccessKeys {
    const ID: u8 = keyspaces::ACCESS_KEYS;
    const NAME: &'static str = "access keys";
    type Key = String;
    type Value = AccessKeyRecord;
}

/// A long-term access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKeyRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it may sign.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
    /// The secret, sealed by the keeper, in base64.
    #[serde(with = "crate::base64_text")]
    pub sealed_secret: Vec<u8>,
}

/// Whose an access key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The account's root.
    Root,
    /// A user.
    User(UniqueId),
}
