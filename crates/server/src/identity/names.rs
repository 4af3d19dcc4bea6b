//! Names of groups, managed policies and instance profiles: which entity has a name.
//!
//! Not here: names of users and roles, which have a keyspace of their own.
//! Invariant: a name is unique in its account and kind without regard to case ("IAM identifiers" of the user guide).

use kanuki_store::{KeyPart, KeyReader, KeyWriter, Keyspace};
use kanuki_types::{AccountId, PARTITION, UniqueId};

use crate::keyspaces;

/// Unique ids by account, kind and lower-case name.
#[derive(Debug)]
pub struct EntityNames;

impl Keyspace for EntityNames {
    const ID: u8 = keyspaces::ENTITY_NAMES;
    const NAME: &'static str = "entity names";
    type Key = (AccountId, NamedKind, String);
    type Value = UniqueId;
}

/// What has a name in [`EntityNames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedKind {
    /// A group.
    Group,
    /// An instance profile.
    InstanceProfile,
    /// A managed policy.
    Policy,
}

impl NamedKind {
    /// The first letters of its ids.
    #[must_use]
    pub const fn id_prefix(self) -> &'static str {
        match self {
            Self::Group => "AGPA",
            Self::InstanceProfile => "AIPA",
            Self::Policy => "ANPA",
        }
    }

    /// Its word in ARNs.
    #[must_use]
    pub const fn arn_word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::InstanceProfile => "instance-profile",
            Self::Policy => "policy",
        }
    }
}

impl KeyPart for NamedKind {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&[match self {
            Self::Group => 1,
            Self::InstanceProfile => 2,
            Self::Policy => 3,
        }]);
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        match key.fixed::<1>()? {
            [1] => Some(Self::Group),
            [2] => Some(Self::InstanceProfile),
            [3] => Some(Self::Policy),
            _ => None,
        }
    }
}

/// The ARN of an entity: `word` is its type, `path` begins and ends with a slash.
#[must_use]
pub fn entity_arn(account: impl std::fmt::Display, word: &str, path: &str, name: &str) -> String {
    format!("arn:{PARTITION}:iam::{account}:{word}{path}{name}")
}
