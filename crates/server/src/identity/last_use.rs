//! When access keys were last used, by whom it is asked in GetAccessKeyLastUsed.
//!
//! A use is noted at most once a minute and service for each key, in memory; a job writes what was noted. So a request
//! costs one comparison, and a crash can lose the uses of the last moments, never more.
//! Not here: the audit trail, which has every use. Invariants: the number of notes never exceeds [`NOTES_MAX`]; a note
//! of a key that was deleted is dropped.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use kanuki_store::{Keyspace, StoreError, Transaction};
use kanuki_types::{Region, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AccessKeyEntry, Identity};
use crate::{error::ApiError, keyspaces, operation::Service};

/// The last uses of access keys, by id.
#[derive(Debug)]
pub struct AccessKeyUses;

impl Keyspace for AccessKeyUses {
    const ID: u8 = keyspaces::ACCESS_KEY_USES;
    const NAME: &'static str = "access key uses";
    type Key = String;
    type Value = KeyUse;
}

/// The last use of an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    /// When, to the minute or better.
    pub at: Timestamp,
    /// The service.
    pub service: String,
    /// The Region.
    pub region: String,
}

/// Which minute and service of an access key were noted last.
#[derive(Debug)]
pub(super) struct Noted(AtomicI64);

impl Noted {
    pub(super) const fn new() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }

    /// Whether this use is still to be noted.
    fn is_new(&self, now: Timestamp, service: Service) -> bool {
        let mark = (now.seconds() / SECONDS_PER_NOTE).saturating_mul(SERVICES_MAX).saturating_add(service as i64);
        self.0.load(Ordering::Relaxed) != mark && self.0.swap(mark, Ordering::Relaxed) != mark
    }
}

/// What was noted and not yet written.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<HashMap<String, KeyUse>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, KeyUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    /// Notes that an access key signed a request.
    pub fn note_use(&self, key: &AccessKeyEntry, service: Service, region: &Region, now: Timestamp) {
        if !key.noted().is_new(now, service) {
            return;
        }
        let mut notes = self.notes.lock();
        if notes.len() < NOTES_MAX || notes.contains_key(key.id()) {
            let noted = KeyUse { at: now, service: service.name().into(), region: region.to_string() };
            notes.insert(key.id().to_owned(), noted);
        }
    }

    /// The last use of an access key; none if it was never used.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn last_use(&self, id: &str) -> Result<Option<KeyUse>, StoreError> {
        if let Some(noted) = self.notes.lock().get(id) {
            return Ok(Some(noted.clone()));
        }
        Ok(self.store.get::<AccessKeyUses>(&id.to_owned()).await?.map(|found| found.value))
    }

    /// Takes notes and makes the change that writes them; none if there are none.
    ///
    /// # Errors
    /// If the store fails; the notes are kept.
    pub async fn take_notes(&self) -> Result<Option<(Vec<(String, KeyUse)>, Transaction)>, ApiError> {
        let noted: Vec<(String, KeyUse)> = {
            let notes = self.notes.lock();
            notes.iter().take(WRITTEN_AT_ONCE).map(|(id, noted)| (id.clone(), noted.clone())).collect()
        };
        if noted.is_empty() {
            return Ok(None);
        }
        let mut change = Transaction::default();
        for (id, noted) in &noted {
            match self.add_use(&mut change, id, noted).await {
                // It holds up no other key's.
                Err(error) if error.is_of_one_record() => {
                    tracing::error!(%error, access_key = id, "the last use of an access key cannot be written");
                }
                done => done?,
            }
        }
        Ok(Some((noted, change)))
    }

    async fn add_use(&self, change: &mut Transaction, id: &String, noted: &KeyUse) -> Result<(), StoreError> {
        if self.access_key(id).await?.is_none() {
            return Ok(());
        }
        match self.store.get::<AccessKeyUses>(id).await? {
            Some(before) => change.update::<AccessKeyUses>(id, before.version, noted),
            None => change.create::<AccessKeyUses>(id, noted),
        }
        Ok(())
    }

    /// Drops notes that were written, but for keys that were used again meanwhile.
    pub fn drop_notes(&self, written: &[(String, KeyUse)]) {
        let mut notes = self.notes.lock();
        for (id, noted) in written {
            if notes.get(id) == Some(noted) {
                notes.remove(id);
            }
        }
    }
}

/// How long a noted use stands for later ones, in seconds.
const SECONDS_PER_NOTE: i64 = 60;
/// Above the number of services.
const SERVICES_MAX: i64 = 64;
/// Most notes kept; more keys than that in use within a few seconds lose notes, nothing else.
const NOTES_MAX: usize = 100_000;
/// How many notes one change writes.
const WRITTEN_AT_ONCE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_new_once_a_minute_and_service() {
        let noted = Noted::new();
        let at = Timestamp::from_seconds;
        assert!(noted.is_new(at(60), Service::Kms));
        assert!(!noted.is_new(at(119), Service::Kms));
        assert!(noted.is_new(at(119), Service::Iam));
        assert!(noted.is_new(at(120), Service::Iam));
        assert!(!noted.is_new(at(121), Service::Iam));
    }
}
