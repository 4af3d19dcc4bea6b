//! The records of grants, as they are stored.
//!
//! A grant is written once and never changed, so it may stand in two places: by its id, for lists and for ending it, and
//! by its grantee, so that one scan finds what a decision needs.
//! Invariant: unknown members of a record are refused, so that an older server never rewrites a newer one's record.

use std::{fmt, str::FromStr};

use kanuki_store::{KeyPart, KeyReader, KeyWriter, Keyspace};
use kanuki_types::{AccountId, KeyArn, KeyId, Region, Timestamp, UniqueId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::terms::GrantTerms;
use crate::keyspaces;

/// A grant's id: 32 bytes, written as 64 lowercase hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId([u8; Self::BYTES]);

impl GrantId {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for GrantId {
    type Err = ParseGrantIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(ParseGrantIdError),
        };
        let digits = text.bytes().map(digit).collect::<Result<Vec<u8>, _>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else { return Err(ParseGrantIdError) };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().map(Self).map_err(|_| ParseGrantIdError)
    }
}

impl Serialize for GrantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GrantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl KeyPart for GrantId {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&self.0);
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.fixed().map(Self)
    }
}

/// The text is no grant id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseGrantIdError;

impl fmt::Display for ParseGrantIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a grant id is 64 lowercase hexadecimal digits")
    }
}

impl std::error::Error for ParseGrantIdError {}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRecord {
    /// When it was made.
    pub created: Timestamp,
    /// The name that makes it the same grant when it is asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who gets it.
    pub grantee: GrantPrincipal,
    /// Who may retire it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<GrantPrincipal>,
    /// The account of the principal who made it.
    pub issuing_account: AccountId,
    /// What it gives.
    pub terms: GrantTerms,
}

/// A principal that a grant names, bound to the unique id that it had then: a later principal of the same name gets
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum GrantPrincipal {
    /// An account, which is its root.
    Account {
        /// The root's ARN.
        arn: String,
    },
    /// A user, a role, or one session of a role.
    Entity {
        /// The ARN as it was given.
        arn: String,
        /// The id of the user or role.
        id: UniqueId,
        /// The name of the session, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// A service.
    Service {
        /// Its name, such as `logs.us-east-1.amazonaws.com`.
        name: String,
    },
}

impl GrantPrincipal {
    /// The ARN; for a service its name.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Account { arn } | Self::Entity { arn, .. } => arn,
            Self::Service { name } => name,
        }
    }

    /// The unique id of the user or role.
    #[must_use]
    pub fn id(&self) -> Option<&UniqueId> {
        match self {
            Self::Entity { id, .. } => Some(id),
            Self::Account { .. } | Self::Service { .. } => None,
        }
    }

    /// Where it stands in the indexes: by its unique id, since names change hands. Unique ids, ARNs and service names
    /// are never alike.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Account { arn } => arn.clone(),
            Self::Entity { id, session: None, .. } => id.to_string(),
            Self::Entity { id, session: Some(session), .. } => session_place(id, session),
            Self::Service { name } => name.clone(),
        }
    }
}

/// Where one session of a role stands in the indexes.
#[must_use]
pub fn session_place(id: &UniqueId, session: &str) -> String {
    format!("{id}:{session}")
}

/// Where a grant is: account, Region and id of its key, and its own id.
pub(super) type GrantKey = (AccountId, Region, KeyId, GrantId);

/// Grants by key.
#[derive(Debug)]
pub(super) struct Grants;

impl Keyspace for Grants {
    const ID: u8 = keyspaces::GRANTS;
    const NAME: &'static str = "grants";
    type Key = GrantKey;
    type Value = GrantRecord;
}

/// Grants by key and grantee.
#[derive(Debug)]
pub(super) struct GrantsByGrantee;

impl Keyspace for GrantsByGrantee {
    const ID: u8 = keyspaces::GRANTS_BY_GRANTEE;
    const NAME: &'static str = "grants by grantee";
    type Key = (AccountId, Region, KeyId, String, GrantId);
    type Value = GrantRecord;
}

/// Grants of a Region by the principal that may retire them, on keys of any account.
#[derive(Debug)]
pub(super) struct GrantsByRetiring;

impl Keyspace for GrantsByRetiring {
    const ID: u8 = keyspaces::GRANTS_BY_RETIRING;
    const NAME: &'static str = "grants by retiring principal";
    type Key = (Region, String, AccountId, KeyId, GrantId);
    type Value = ();
}

/// Grants with a name, by key and the digest of everything they were asked for with.
#[derive(Debug)]
pub(super) struct GrantNames;

impl Keyspace for GrantNames {
    const ID: u8 = keyspaces::GRANT_NAMES;
    const NAME: &'static str = "grant names";
    type Key = (AccountId, Region, KeyId, [u8; 32]);
    type Value = GrantId;
}

/// How many grants a key has, in several counters.
#[derive(Debug)]
pub(super) struct GrantCounts;

impl Keyspace for GrantCounts {
    const ID: u8 = keyspaces::GRANT_COUNTS;
    const NAME: &'static str = "grant counts";
    type Key = (AccountId, Region, KeyId, [u8; 1]);
    type Value = u64;
}

/// Deleted keys whose grants are still to be removed from the store.
#[derive(Debug)]
pub(super) struct GrantSweeps;

impl Keyspace for GrantSweeps {
    const ID: u8 = keyspaces::GRANT_SWEEPS;
    const NAME: &'static str = "grant sweeps";
    type Key = (AccountId, Region, KeyId);
    type Value = ();
}

/// Where a grant's record is.
#[must_use]
pub(super) fn grant_key(arn: &KeyArn, id: GrantId) -> GrantKey {
    (arn.account, arn.region.clone(), arn.key_id, id)
}

/// Where a grant's record in the index of grantees is.
#[must_use]
pub(super) fn grantee_key(arn: &KeyArn, place: String, id: GrantId) -> <GrantsByGrantee as Keyspace>::Key {
    (arn.account, arn.region.clone(), arn.key_id, place, id)
}

/// Where a grant's mark in the index of retiring principals is.
#[must_use]
pub(super) fn retiring_key(arn: &KeyArn, place: String, id: GrantId) -> <GrantsByRetiring as Keyspace>::Key {
    (arn.region.clone(), place, arn.account, arn.key_id, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_64_lowercase_digits() {
        let id = GrantId::new([0xab; 32]);
        assert_eq!(id.to_string(), "ab".repeat(32));
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "ab", &"AB".repeat(32), &"ab".repeat(33), &"xy".repeat(32)] {
            assert_eq!(wrong.parse::<GrantId>(), Err(ParseGrantIdError), "{wrong}");
        }
    }

    #[test]
    fn principals_stand_by_their_unique_id() {
        let (arn, id) = ("arn:aws:iam::111122223333:role/app".to_owned(), UniqueId::new("AROA1"));
        let role = GrantPrincipal::Entity { arn: arn.clone(), id: id.clone(), session: None };
        let session = GrantPrincipal::Entity { arn, id, session: Some("s1".into()) };
        assert_eq!((role.place().as_str(), session.place().as_str()), ("AROA1", "AROA1:s1"));
        let stored = serde_json::to_string(&role).unwrap();
        assert_eq!(serde_json::from_str::<GrantPrincipal>(&stored).unwrap(), role);
    }
}
