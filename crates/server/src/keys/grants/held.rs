//! What a principal holds on a key: a bounded cache of all grants of one key to one grantee.
//!
//! A decision needs the grants of one key to one or two grantees, however many grants the key has. They stand together
//! in the index of grantees, so one scan reads them, and this cache keeps what was read.
//! Why not the store's own cache: that one follows single records, and remembers no absence. One record per grantee
//! with the list of its grants would fit it, but would grow without bound and make everyone who grants to the same
//! grantee write the same record. Here the grants of one grantee are a group, whose name is the beginning of their
//! keys; a change of any of them, a new one too, forgets the group, also the empty one of a principal without grants.
//! Invariants: a `get` that begins after a commit has returned never sees what was before it; the number of grants
//! kept never exceeds the capacity; while the feed is interrupted nothing is answered from memory.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use kanuki_store::{Change, ChangeListener, KeyBytes as _, Keyspace as _, SCAN_LIMIT_MAX, Store, StoreError};
use kanuki_types::KeyArn;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{
    entry::GrantEntry,
    group::Held,
    record::{GrantId, GrantsByGrantee},
};

/// The cache.
pub(crate) struct HeldGrants {
    store: Store,
    /// Apart from the store, because the feed calls it in the engine's own thread.
    groups: Arc<Groups>,
}

impl std::fmt::Debug for HeldGrants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldGrants").field("groups", &self.groups.by_name.len()).finish_non_exhaustive()
    }
}

impl HeldGrants {
    /// A cache of up to `capacity` grants (an empty group counts as one) that follows the store's feed.
    pub(crate) fn new(store: Store, capacity: u64) -> Self {
        let groups = Arc::new(Groups::new(capacity));
        let listener: Weak<Groups> = Arc::downgrade(&groups);
        store.changes().subscribe(listener);
        Self { store, groups }
    }

    /// Every grant of a key to the grantee at `place`, in the order of their ids.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub(crate) async fn get(&self, arn: &KeyArn, place: &str) -> Result<Held, StoreError> {
        let name = (arn.account, arn.region.clone(), arn.key_id, place.to_owned()).to_key();
        if let Some(held) = self.groups.by_name.get(name.as_slice()) {
            return Ok(held);
        }
        let epoch = self.groups.epoch(&name);
        let held = self.read(arn, &name).await?;
        self.groups.insert(name, &held, epoch);
        Ok(held)
    }

    async fn read(&self, arn: &KeyArn, name: &[u8]) -> Result<Held, StoreError> {
        let mut held = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let found = self.store.scan::<GrantsByGrantee>(name, after.as_deref(), SCAN_LIMIT_MAX).await?;
            let is_last = found.len() < SCAN_LIMIT_MAX;
            after = found.last().map(|(key, _)| key.to_key());
            let entries = found.into_iter().map(|((.., id), record)| GrantEntry::new(arn.clone(), id, record.value));
            held.extend(entries);
            if is_last {
                return Ok(Held::new(held));
            }
        }
    }
}

/// The groups, and what keeps a stale one out.
///
/// A miss reads the group's epoch, then the store, then inserts if the epoch is still the same. A change first raises
/// the epoch, then removes the group, before its commit returns; check with insertion and raise with removal happen
/// under the epoch's lock. So either the insertion came first and is removed, or the raise came first and the insertion
/// does not happen. A scan of several pages may mix what was before a change with what is after it, but then the change
/// had not returned when the scan began, and the mixture is not kept. Groups share epochs by hash; a collision only
/// keeps a fresh group out once.
struct Groups {
    by_name: Cache<Vec<u8>, Held, Weight>,
    epochs: Vec<Mutex<u64>>,
    hasher: RandomState,
    /// False while the feed is interrupted, which empties the map and keeps it empty.
    following: AtomicBool,
}

impl Groups {
    fn new(capacity: u64) -> Self {
        // The cache has its own number of parts, by the processors, and one takes no group above its share.
        let options = OptionsBuilder::new()
            .shards(PARTS)
            .estimated_items_capacity(GROUPS_EXPECTED)
            .weight_capacity(capacity)
            .build();
        let by_name = match options {
            Ok(options) => {
                Cache::with_options(options, Weight, DefaultHashBuilder::default(), DefaultLifecycle::default())
            }
            // Only a capacity that is left out is an error.
            Err(_) => Cache::with_weighter(GROUPS_EXPECTED, capacity, Weight),
        };
        Self {
            by_name,
            epochs: (0..EPOCHS).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::new(),
            following: AtomicBool::new(true),
        }
    }

    fn epoch(&self, name: &[u8]) -> Option<u64> {
        self.lock(name).map(|epoch| *epoch)
    }

    fn insert(&self, name: Vec<u8>, held: &Held, seen: Option<u64>) {
        let Some(epoch) = self.lock(&name) else { return };
        if seen == Some(*epoch) && self.following.load(Ordering::Acquire) {
            self.by_name.insert(name, held.clone());
        }
    }

    fn lock(&self, name: &[u8]) -> Option<MutexGuard<'_, u64>> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let hash = self.hasher.hash_one(name) as usize;
        // The epoch is whole at every moment, also after a panic.
        self.epochs.get(hash % EPOCHS).map(|epoch| epoch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget_all(&self) {
        for epoch in &self.epochs {
            *epoch.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        self.by_name.clear();
    }
}

impl ChangeListener for Groups {
    fn changed(&self, changes: &[Change]) {
        for Change { key, .. } in changes.iter().filter(|change| change.keyspace == GrantsByGrantee::ID) {
            // The grant's id stands last, in a fixed number of bytes; what is before it names the group.
            let Some(name) = key.get(..key.len().saturating_sub(GrantId::BYTES)) else { continue };
            if let Some(mut epoch) = self.lock(name) {
                *epoch += 1;
                self.by_name.remove(name);
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

/// A group weighs as many grants as it has, and one for itself.
#[derive(Clone)]
struct Weight;

impl Weighter<Vec<u8>, Held> for Weight {
    fn weight(&self, _: &Vec<u8>, held: &Held) -> u64 {
        held.len() as u64 + 1
    }
}

/// In how many parts the map is: as many as there may be for one to take all grants of a key.
const PARTS: usize = 4;
/// How many groups the map is laid out for.
const GROUPS_EXPECTED: usize = 10_000;
/// Number of epochs: enough that concurrent misses rarely share one.
const EPOCHS: usize = 256;

#[cfg(test)]
mod tests;
