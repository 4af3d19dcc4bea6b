//! When access keys and roles were last used, which GetAccessKeyLastUsed and GetRole tell.
//!
//! A use is noted at most once a minute and service for each of them, in memory; a job writes what was noted. So a
//! request costs one comparison, and a crash can lose the uses of the last moments, never more.
//! Not here: the audit trail, which has every use. Invariants: the number of notes never exceeds [`NOTES_MAX`]; a use
//! is written only while what was used is there, and is removed with it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use kanuki_store::{Keyspace, StoreError, Transaction};
use kanuki_types::{AccountId, Region, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::{AccessKeyEntry, AccessKeys, Identity, PrincipalEntry, Principals, StoredPrincipal};
use crate::{error::ApiError, keyspaces, operation::Service};

/// The last uses of access keys, by id.
#[derive(Debug)]
pub struct AccessKeyUses;

impl Keyspace for AccessKeyUses {
    const ID: u8 = keyspaces::ACCESS_KEY_USES;
    const NAME: &'static str = "access key uses";
    type Key = String;
    type Value = LastUse;
}

/// The last uses of roles.
#[derive(Debug)]
pub struct RoleUses;

impl Keyspace for RoleUses {
    const ID: u8 = keyspaces::ROLE_USES;
    const NAME: &'static str = "role uses";
    type Key = (AccountId, UniqueId);
    type Value = LastUse;
}

/// The last use of an access key or a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastUse {
    /// When, to the minute or better.
    pub at: Timestamp,
    /// The service.
    pub service: String,
    /// The Region.
    pub region: String,
}

impl LastUse {
    fn new(at: Timestamp, service: Service, region: &Region) -> Self {
        Self { at, service: service.name().into(), region: region.to_string() }
    }
}

/// What was used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Used {
    /// An access key.
    AccessKey(String),
    /// A role.
    Role(AccountId, UniqueId),
}

impl Used {
    fn role(role: &StoredPrincipal) -> Self {
        Self::Role(role.account(), role.id().clone())
    }
}

/// Which minute and service of an access key or a role were noted last.
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
pub(super) struct Notes(Mutex<HashMap<Used, LastUse>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Used, LastUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, used: Used, last: LastUse) {
        let mut notes = self.lock();
        if notes.len() < NOTES_MAX || notes.contains_key(&used) {
            notes.insert(used, last);
        }
    }
}

impl Identity {
    /// Notes that an access key signed a request.
    pub fn note_use(&self, key: &AccessKeyEntry, service: Service, region: &Region, now: Timestamp) {
        if key.noted().is_new(now, service) {
            self.notes.add(Used::AccessKey(key.id().to_owned()), LastUse::new(now, service, region));
        }
    }

    /// Notes that a session of a role signed a request.
    pub fn note_use_of_role(&self, role: &PrincipalEntry, service: Service, region: &Region, now: Timestamp) {
        if role.stored().noted().is_new(now, service) {
            self.notes.add(Used::role(role.stored()), LastUse::new(now, service, region));
        }
    }

    /// The last use of an access key; none if it was never used.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn last_use(&self, id: &str) -> Result<Option<LastUse>, StoreError> {
        if let Some(noted) = self.notes.lock().get(&Used::AccessKey(id.to_owned())) {
            return Ok(Some(noted.clone()));
        }
        Ok(self.store.get::<AccessKeyUses>(&id.to_owned()).await?.map(|found| found.value))
    }

    /// The last use of a role; none if no session of it ever signed a request.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn last_use_of_role(&self, role: &StoredPrincipal) -> Result<Option<LastUse>, StoreError> {
        if let Some(noted) = self.notes.lock().get(&Used::role(role)) {
            return Ok(Some(noted.clone()));
        }
        let found = self.store.get::<RoleUses>(&(role.account(), role.id().clone())).await?;
        Ok(found.map(|found| found.value))
    }

    /// Takes notes and makes the change that writes them; none if there are none.
    ///
    /// # Errors
    /// If the store fails; the notes are kept.
    pub async fn take_notes(&self) -> Result<Option<(Vec<(Used, LastUse)>, Transaction)>, ApiError> {
        let noted: Vec<(Used, LastUse)> = {
            let notes = self.notes.lock();
            notes.iter().take(WRITTEN_AT_ONCE).map(|(used, noted)| (used.clone(), noted.clone())).collect()
        };
        if noted.is_empty() {
            return Ok(None);
        }
        let mut change = Transaction::default();
        for (used, noted) in &noted {
            match self.add_use(&mut change, used, noted).await {
                // It holds up no other's.
                Err(error) if error.is_of_one_record() => {
                    tracing::error!(%error, ?used, "the last use of an access key or a role cannot be written");
                }
                done => done?,
            }
        }
        Ok(Some((noted, change)))
    }

    /// Adds a use to a change, if what was used is still there, and only as long as it is.
    async fn add_use(&self, change: &mut Transaction, used: &Used, noted: &LastUse) -> Result<(), StoreError> {
        match used {
            Used::AccessKey(id) => {
                let Some(key) = self.access_key(id).await? else { return Ok(()) };
                self.write_use::<AccessKeyUses>(change, id, noted).await?;
                change.check::<AccessKeys>(id, Some(key.version()));
            }
            Used::Role(account, id) => {
                let Some(role) = self.stored_principal(*account, id).await? else { return Ok(()) };
                let place = (*account, id.clone());
                self.write_use::<RoleUses>(change, &place, noted).await?;
                change.check::<Principals>(&place, Some(role.version()));
            }
        }
        Ok(())
    }

    async fn write_use<K: Keyspace<Value = LastUse>>(
        &self,
        change: &mut Transaction,
        place: &K::Key,
        noted: &LastUse,
    ) -> Result<(), StoreError> {
        match self.store.get::<K>(place).await? {
            Some(before) => change.update::<K>(place, before.version, noted),
            None => change.create::<K>(place, noted),
        }
        Ok(())
    }

    /// Drops notes that were written, but for what was used again meanwhile.
    pub fn drop_notes(&self, written: &[(Used, LastUse)]) {
        let mut notes = self.notes.lock();
        for (used, noted) in written {
            if notes.get(used) == Some(noted) {
                notes.remove(used);
            }
        }
    }
}

/// How long a noted use stands for later ones, in seconds.
const SECONDS_PER_NOTE: i64 = 60;
/// Above the number of services.
const SERVICES_MAX: i64 = 64;
/// Most notes kept; more keys and roles than that in use within a few seconds lose notes, nothing else.
const NOTES_MAX: usize = 100_000;
/// How many notes one change writes, each with a check of what was used: within a transaction's 128 members.
const WRITTEN_AT_ONCE: usize = 60;

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
