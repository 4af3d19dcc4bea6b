//! A bounded read-through cache of decoded entries.
//!
//! Not a copy of the store: absence is not remembered, and concurrent misses of one key each read for themselves.
//! Invariants: a `get` that begins after a commit has returned never sees what was before it; the number of entries
//! never exceeds the capacity; while the feed is interrupted nothing is answered from memory.

use std::{
    error, fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Change, ChangeListener, KeyBytes as _, Keyspace, Store, StoreError, Versioned, store::EncodingError};

/// Entries of type `E` made from the records of a keyspace.
pub struct Cache<K: Keyspace, E> {
    store: Store,
    /// Apart from the store, because the feed calls it in the engine's own thread: were that thread to drop the last
    /// handle on the engine, it would wait for its own end.
    entries: Arc<Entries<E>>,
    decode: Decode<K, E>,
}

type Decode<K, E> = Box<
    dyn Fn(&<K as Keyspace>::Key, Versioned<<K as Keyspace>::Value>) -> Result<E, Box<dyn error::Error + Send + Sync>>
        + Send
        + Sync,
>;

impl<K: Keyspace, E: Send + Sync + 'static> Cache<K, E> {
    /// A cache of up to `capacity` entries that follows the store's feed. `decode` makes an entry from a record; it
    /// runs in the caller's task, so it should not take long.
    pub fn new(
        store: Store,
        capacity: usize,
        decode: impl Fn(&K::Key, Versioned<K::Value>) -> Result<E, Box<dyn error::Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let entries = Arc::new(Entries::new(K::ID, capacity));
        let listener: Weak<Entries<E>> = Arc::downgrade(&entries);
        store.changes().subscribe(listener);
        Self { store, entries, decode: Box::new(decode) }
    }

    /// The entry of a key; none if there is no such record.
    ///
    /// # Errors
    /// As [`Store::get`]; [`StoreError::Encoding`] also if `decode` fails.
    pub async fn get(&self, key: &K::Key) -> Result<Option<Arc<E>>, StoreError> {
        let bytes = key.to_key();
        if let Some(entry) = self.entries.by_key.get(bytes.as_slice()) {
            return Ok(Some(entry));
        }
        let epoch = self.entries.epoch(&bytes);
        let Some(record) = self.store.get::<K>(key).await? else { return Ok(None) };
        let entry = (self.decode)(key, record)
            .map_err(|error| StoreError::Encoding(EncodingError::new(K::NAME, &bytes, error.into())))?;
        let entry = Arc::new(entry);
        self.entries.insert(bytes, &entry, epoch);
        Ok(Some(entry))
    }
}

impl<K: Keyspace, E> fmt::Debug for Cache<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("keyspace", &K::NAME).field("entries", &self.entries.by_key.len()).finish()
    }
}

/// The entries, and what keeps a stale one out.
///
/// A miss reads the key's epoch, then the store, then inserts if the epoch is still the same. A change first raises
/// the epoch, then removes the entry, before its commit returns. Both the check with the insertion and the raise with
/// the removal happen under the epoch's lock, so they do not interleave: either the insertion came first and its
/// entry is removed, or the raise came first and the insertion does not happen. A value that was read before the
/// change can therefore be returned by the `get` that read it, which began before the commit returned, and never be
/// found by a later one. Keys share epochs by hash; a collision only keeps a fresh value out once.
struct Entries<E> {
    keyspace: u8,
    by_key: quick_cache::sync::Cache<Vec<u8>, Arc<E>>,
    epochs: Vec<Mutex<u64>>,
    hasher: RandomState,
    /// False while the feed is interrupted, which empties the map and keeps it empty. Cleared before the epochs are
    /// raised and read under an epoch's lock before an insertion, so that none slips in between.
    following: AtomicBool,
}

impl<E> Entries<E> {
    fn new(keyspace: u8, capacity: usize) -> Self {
        Self {
            keyspace,
            by_key: quick_cache::sync::Cache::new(capacity),
            epochs: (0..EPOCHS).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::new(),
            following: AtomicBool::new(true),
        }
    }

    fn epoch(&self, key: &[u8]) -> Option<u64> {
        self.lock(key).map(|epoch| *epoch)
    }

    fn insert(&self, key: Vec<u8>, entry: &Arc<E>, seen: Option<u64>) {
        let Some(epoch) = self.lock(&key) else { return };
        if seen == Some(*epoch) && self.following.load(Ordering::Acquire) {
            self.by_key.insert(key, Arc::clone(entry));
        }
    }

    fn lock(&self, key: &[u8]) -> Option<MutexGuard<'_, u64>> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let hash = self.hasher.hash_one(key) as usize;
        // The epoch is whole at every moment, also after a panic.
        self.epochs.get(hash % EPOCHS).map(|epoch| epoch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget_all(&self) {
        for epoch in &self.epochs {
            *epoch.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        self.by_key.clear();
    }
}

impl<E: Send + Sync + 'static> ChangeListener for Entries<E> {
    fn changed(&self, changes: &[Change]) {
        for Change { key, .. } in changes.iter().filter(|change| change.keyspace == self.keyspace) {
            if let Some(mut epoch) = self.lock(key) {
                *epoch += 1;
                self.by_key.remove(key);
            }
        }
    }

    fn interrupted(&self) {
        self.following.store(false, Ordering::Release);
        self.forget_all();
    }

    fn resumed(&self) {
        // What was read during the interruption may be old: its epochs end here.
        self.forget_all();
        self.following.store(true, Ordering::Release);
    }
}

/// Number of epochs: enough that concurrent misses rarely share one, few enough to be nothing in memory.
const EPOCHS: usize = 1024;

#[cfg(test)]
mod tests;
