//! The records of identity, as they are stored.
//!
//! Invariant: unknown members of a record are refused, so that an older server never rewrites a newer one's record.

use std::collections::BTreeMap;

use kanuki_store::{KeyPart, KeyReader, KeyWriter, Keyspace};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

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
}

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
