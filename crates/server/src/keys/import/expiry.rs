//! The schedule by which imported material goes.
//!
//! Not here: the going itself, which is a job.
//! Invariants: every version of imported material that is stored has exactly one mark, also the ones that never expire;
//! it changes together with the key's record. So whatever removes material deletes a mark in the same transaction, and
//! the store overwrites what a deletion leaves behind before it answers.

use kanuki_store::{KeyBytes, Keyspace, Transaction};
use kanuki_types::{AccountId, KeyArn, KeyId, MaterialId, Region, Timestamp};

use crate::{
    error::ApiError,
    keys::{
        Keys,
        entry::KeyEntry,
        record::{KeyRecord, key_key},
    },
    keyspaces,
};

/// Imported material by the instant when it goes.
#[derive(Debug)]
pub struct Expiries;

impl Keyspace for Expiries {
    const ID: u8 = keyspaces::EXPIRIES;
    const NAME: &'static str = "expiries";
    type Key = ExpiryKey;
    type Value = ();
}

/// When material goes, whose it is, and which.
pub type ExpiryKey = (Timestamp, (AccountId, Region, KeyId), MaterialId);

impl Keys {
    /// Imported material whose time has come, behind what was looked at last.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn due_for_expiry(
        &self,
        now: Timestamp,
        after: Option<&ExpiryKey>,
        limit: usize,
    ) -> Result<Vec<ExpiryKey>, ApiError> {
        let after = after.map(KeyBytes::to_key);
        let found = self.store.scan::<Expiries>(&[], after.as_deref(), limit).await?;
        let due = found.into_iter().map(|(mark, _)| mark).take_while(|(end, ..)| *end <= now && *end < NEVER);
        Ok(due.collect())
    }

    /// The version of a mark, if it is still there.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn expiry_mark(&self, mark: &ExpiryKey) -> Result<Option<u64>, ApiError> {
        Ok(self.store.get::<Expiries>(mark).await?.map(|stored| stored.version))
    }

    /// Moves the marks of a key from what its record says to what the changed one will say; none if the key goes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn reschedule_expiries(
        &self,
        change: &mut Transaction,
        key: &KeyEntry,
        record: Option<&KeyRecord>,
    ) -> Result<(), ApiError> {
        let old = marks(key.arn(), key.record());
        let new = record.map(|record| marks(key.arn(), record)).unwrap_or_default();
        for mark in old.iter().filter(|mark| !new.contains(mark)) {
            if let Some(version) = self.expiry_mark(mark).await? {
                change.delete::<Expiries>(mark, version);
            }
        }
        for mark in new.iter().filter(|mark| !old.contains(mark)) {
            change.create::<Expiries>(mark, &());
        }
        Ok(())
    }
}

/// The marks that a key's record asks for.
fn marks(arn: &KeyArn, record: &KeyRecord) -> Vec<ExpiryKey> {
    let stored = record.materials.iter().filter(|material| material.sealed.is_some());
    let ends = stored.filter_map(|material| Some((material.imported.as_ref()?.valid_to, material.id)));
    ends.map(|(valid_to, id)| (valid_to.unwrap_or(NEVER), key_key(arn), id)).collect()
}

/// The end of material that has none: the last instant there is, which no `ValidTo` reaches.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
