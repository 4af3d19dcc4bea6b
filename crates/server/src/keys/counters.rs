//! Counts that many calls change at once, and limits that hold on them exactly.
//!
//! A number is kept in several counters, so that things which are made at the same time seldom write the same record.
//! Near the limit each counter must be unchanged, so that the limit holds exactly.
//! Invariant: the counters change in the transaction that makes or removes what they count.

use kanuki_store::{Keyspace, Store, StoreError, Transaction, Versioned};

/// The counters of one number: the records of a keyspace under one prefix, by shard.
pub(super) struct Counters<'a, K: Keyspace> {
    store: &'a Store,
    prefix: Vec<u8>,
    key: &'a (dyn Fn(u8) -> K::Key + Sync),
}

impl<'a, K: Keyspace<Value = u64, Key: PartialEq>> Counters<'a, K> {
    /// The counters under a prefix; `key` is the place of each shard below it.
    pub(super) fn new(store: &'a Store, prefix: Vec<u8>, key: &'a (dyn Fn(u8) -> K::Key + Sync)) -> Self {
        Self { store, prefix, key }
    }

    /// Counts one more. False if there are `limit` already; the change is then as it was.
    pub(super) async fn one_more(&self, shard: u8, limit: u64, change: &mut Transaction) -> Result<bool, StoreError> {
        let counts = self.all().await?;
        let total = counts.iter().map(|(_, count)| count.value).fold(0, u64::saturating_add);
        if total >= limit {
            return Ok(false);
        }
        let is_near = total.saturating_add(COUNTED_LOOSELY_BELOW) >= limit;
        for other in 0..COUNTERS {
            let key = (self.key)(other);
            let count = counts.iter().find(|(place, _)| *place == key).map(|(_, count)| count);
            match count {
                Some(count) if other == shard % COUNTERS => {
                    change.update::<K>(&key, count.version, &count.value.saturating_add(1));
                }
                None if other == shard % COUNTERS => change.create::<K>(&key, &1),
                _ if is_near => change.check::<K>(&key, count.map(|count| count.version)),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Counts one less. A counter that is lost stops nobody from removing what it counted.
    pub(super) async fn one_less(&self, shard: u8, change: &mut Transaction) -> Result<(), StoreError> {
        let key = (self.key)(shard % COUNTERS);
        match self.store.get::<K>(&key).await? {
            Some(Versioned { version, value: 0 | 1 }) => change.delete::<K>(&key, version),
            Some(Versioned { version, value }) => change.update::<K>(&key, version, &(value - 1)),
            None => {}
        }
        Ok(())
    }

    /// Removes the counters.
    pub(super) async fn remove(&self, change: &mut Transaction) -> Result<(), StoreError> {
        for (key, count) in self.all().await? {
            change.delete::<K>(&key, count.version);
        }
        Ok(())
    }

    async fn all(&self) -> Result<Vec<(K::Key, Versioned<u64>)>, StoreError> {
        self.store.scan::<K>(&self.prefix, None, usize::from(COUNTERS)).await
    }
}

/// Number of counters of one number.
pub(super) const COUNTERS: u8 = 16;
/// Up to this distance from the limit, things that are made at the same time need not know of each other: far more than
/// are ever made at the same moment.
const COUNTED_LOOSELY_BELOW: u64 = 4096;
