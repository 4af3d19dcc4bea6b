//! Groups: users that share policies.
//!
//! Not here: the policies' effect on a user, which `compose` works out. Invariant: a user's record and the index of
//! members always name each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_store::{Keyspace, Versioned};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::{
    managed::PolicyRef,
    names::{NamedKind, entity_arn},
};
use crate::keyspaces;

/// Groups by account and unique id.
#[derive(Debug)]
pub struct Groups;

impl Keyspace for Groups {
    const ID: u8 = keyspaces::GROUPS;
    const NAME: &'static str = "groups";
    type Key = (AccountId, UniqueId);
    type Value = GroupRecord;
}

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRecord {
    /// `/` or `/…/`.
    pub path: String,
    /// The name, in the spelling it was made with.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Inline policies: text by name.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, String>,
    /// Attached managed policies.
    #[serde(default)]
    pub attached: BTreeSet<PolicyRef>,
    /// How many users belong to it.
    #[serde(default)]
    pub members: u64,
}

/// The members of groups: account, group, user.
#[derive(Debug)]
pub struct GroupMembers;

impl Keyspace for GroupMembers {
    const ID: u8 = keyspaces::GROUP_MEMBERS;
    const NAME: &'static str = "group members";
    type Key = (AccountId, UniqueId, UniqueId);
    type Value = ();
}

/// A group with its inline policies compiled.
#[derive(Debug)]
pub struct GroupEntry {
    account: AccountId,
    id: UniqueId,
    version: u64,
    record: GroupRecord,
    policies: Vec<NamedDocument>,
}

impl GroupEntry {
    /// Compiles the policies; a stored document that no longer parses makes the group unusable.
    pub(super) fn new(account: AccountId, id: UniqueId, stored: Versioned<GroupRecord>) -> Result<Self, Malformed> {
        let Versioned { version, value: record } = stored;
        let policies = compile_inline(&record.inline_policies)?;
        Ok(Self { account, id, version, record, policies })
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

    /// The version that a change has to name.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &GroupRecord {
        &self.record
    }

    /// The inline policies.
    #[must_use]
    pub fn policies(&self) -> &[NamedDocument] {
        &self.policies
    }

    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        entity_arn(self.account, NamedKind::Group.arn_word(), &self.record.path, &self.record.name)
    }
}

/// Inline policies as documents, by name.
pub(super) fn compile_inline(texts: &BTreeMap<String, String>) -> Result<Vec<NamedDocument>, Malformed> {
    let compiled = texts.iter().map(|(name, text)| {
        let document = Document::parse(Target::Identity, text)?;
        Ok(NamedDocument { name: name.as_str().into(), document: Arc::new(document) })
    });
    compiled.collect()
}
