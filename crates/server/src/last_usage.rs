//! When each key was last used: for GetKeyLastUsage.
//!
//! The trail is the truth: a use is noted when its record is durable, with the record's number, and the greater number
//! wins. So a call pays for a look into a map and no I/O; the notes are written behind, some at a time, together with the
//! number of the record up to which they are all written. After a crash the records behind that number are read again,
//! and what was acknowledged is there: its record was durable before its answer left.
//!
//! Why not a write per use: it would double the cost of the hot path. Why not the trail alone: it would have to be read
//! to its beginning for a key that was never used.
//!
//! Not here: what a use is allowed to do. Invariants: a use that was answered is never forgotten; a use that failed or
//! was a dry run is never noted; what is known of a deleted key goes with it.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

mod gate;
mod notes;
mod record;
mod recover;
mod write;

use std::sync::{Arc, OnceLock};

use kanuki_store::{Store, StoreError, Transaction};
use kanuki_trail::{EventId, Position};
use kanuki_types::{KeyArn, Timestamp};
use tokio::sync::Mutex;

pub use record::Use;

use crate::keys::{KeyEntry, key_key};
use gate::{Gate, Inside};
use notes::Notes;
use record::LastUses;
use write::Written;

/// The last use of every key.
pub struct LastUsage {
    store: Store,
    notes: Notes,
    gate: Gate,
    written: Mutex<Written>,
    since: OnceLock<Timestamp>,
}

impl std::fmt::Debug for LastUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastUsage").finish_non_exhaustive()
    }
}

impl LastUsage {
    /// Over a store; nothing is known before [`LastUsage::recover`].
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            notes: Notes::default(),
            gate: Gate::default(),
            written: Mutex::default(),
            since: OnceLock::new(),
        }
    }

    /// Begins with a use whose record is about to be appended.
    pub(crate) fn begin(&self, uses: KeyUses) -> BegunUse<'_> {
        BegunUse { usage: self, uses, _inside: self.gate.enter() }
    }

    /// The last use of a key; none if it was not used since the tracking began.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn of(&self, arn: &KeyArn) -> Result<Option<Use>, StoreError> {
        if let Some(noted) = self.notes.of(arn) {
            return Ok(Some(noted));
        }
        Ok(self.store.get::<LastUses>(&key_key(arn)).await?.map(|found| found.value))
    }

    /// Since when uses are noted; none before [`LastUsage::recover`].
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since.get().copied()
    }

    /// Forgets a key that the change removes.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn forget(&self, arn: &KeyArn, change: &mut Transaction) -> Result<(), StoreError> {
        if let Some(found) = self.store.get::<LastUses>(&key_key(arn)).await? {
            change.delete::<LastUses>(&key_key(arn), found.version);
        }
        Ok(())
    }
}

/// The keys that a call uses.
#[derive(Debug)]
pub(crate) struct KeyUses {
    operation: &'static str,
    keys: Vec<Arc<KeyEntry>>,
}

impl KeyUses {
    /// What an operation does to keys, if it is one whose uses are told.
    pub(crate) fn of(operation: &str, keys: Vec<Arc<KeyEntry>>) -> Option<Self> {
        let place = TRACKED.binary_search(&operation).ok()?;
        Some(Self { operation: TRACKED.get(place)?, keys })
    }
}

/// A use whose record is under way. Dropping it without [`BegunUse::note`] notes nothing.
#[must_use = "a use that is not noted is forgotten"]
pub(crate) struct BegunUse<'a> {
    usage: &'a LastUsage,
    uses: KeyUses,
    _inside: Inside<'a>,
}

impl BegunUse<'_> {
    /// Notes the use: its record is durable.
    pub(crate) fn note(self, position: Position, time: Timestamp, event_id: EventId, request_id: &str) {
        for key in &self.uses.keys {
            let operation = self.uses.operation;
            self.usage.notes.note(key.arn(), position.sequence, operation, time, (event_id, request_id));
        }
    }
}

/// The operations whose uses are told, sorted. Rule: `KeyLastUsageTrackingOperation` of the API's model.
const TRACKED: &[&str] = &[
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_are_sorted_and_exist() {
        assert!(TRACKED.is_sorted());
        let names: Vec<&str> = crate::operations::descriptors().map(|descriptor| descriptor.name).collect();
        assert!(TRACKED.iter().all(|name| names.contains(name)));
        assert!(KeyUses::of("GetPublicKey", Vec::new()).is_none());
    }
}
