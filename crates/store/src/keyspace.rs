//! Typed keyspaces: which key and which value belong to which number.
//!
//! Not here: the keyspaces themselves; each is declared beside the rules of its records.
//! Invariant: a keyspace's number never changes and is never used again, since records are sealed to it.

use serde::{Serialize, de::DeserializeOwned};

use crate::KeyBytes;

/// A typed keyspace. Values are stored as JSON, so a new field needs a default to read older records.
pub trait Keyspace: Send + Sync + 'static {
    /// The number, at most [`KEYSPACE_ID_MAX`]; unique in the installation for ever.
    const ID: u8;

    /// The name, for error messages.
    const NAME: &'static str;

    /// The key.
    type Key: KeyBytes + Clone + Send + Sync;

    /// The value.
    type Value: Serialize + DeserializeOwned + Send + Sync;
}

/// A value with the version that a later change has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<V> {
    /// The version. Only equality means something.
    pub version: u64,
    /// The value.
    pub value: V,
}

/// Largest keyspace number that callers may use; the numbers above belong to this crate.
pub const KEYSPACE_ID_MAX: u8 = 239;

/// The number of the audit outbox.
pub(crate) const OUTBOX_ID: u8 = 255;

/// The number of this crate's own bookkeeping.
pub(crate) const BOOKKEEPING_ID: u8 = 254;
