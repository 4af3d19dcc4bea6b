//! Tells whether anything has changed that a composed principal is made of, beside its own record.
//!
//! Not the caches of those parts: they follow the feed by themselves.
//! Invariant: a number that was read before the parts were read, and is still the current one, says that the parts are
//! as they were. Parts must subscribe to the feed before this does, so that they are fresh when the number moves.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use kanuki_store::{Change, ChangeListener, Keyspace as _, Store};

use super::{
    groups::Groups,
    managed::{ManagedPolicies, PolicyVersions},
};

/// The counter.
#[derive(Debug)]
pub(super) struct Generation {
    number: AtomicU64,
    /// False while the feed is interrupted.
    following: AtomicBool,
}

impl Generation {
    /// A counter that follows the store's feed.
    pub(super) fn new(store: &Store) -> Arc<Self> {
        let generation = Arc::new(Self { number: AtomicU64::new(0), following: AtomicBool::new(true) });
        let listener: Weak<Self> = Arc::downgrade(&generation);
        store.changes().subscribe(listener);
        generation
    }

    /// The current number; none while nothing that was composed may be used.
    pub(super) fn current(&self) -> Option<u64> {
        let number = self.number.load(Ordering::Acquire);
        self.following.load(Ordering::Acquire).then_some(number)
    }

    fn advance(&self) {
        self.number.fetch_add(1, Ordering::AcqRel);
    }
}

impl ChangeListener for Generation {
    fn changed(&self, changes: &[Change]) {
        if changes.iter().any(|change| PARTS.contains(&change.keyspace)) {
            self.advance();
        }
    }

    fn interrupted(&self) {
        self.following.store(false, Ordering::Release);
        self.advance();
    }

    fn resumed(&self) {
        self.advance();
        self.following.store(true, Ordering::Release);
    }
}

/// The keyspaces that hold parts of principals.
const PARTS: [u8; 3] = [Groups::ID, ManagedPolicies::ID, PolicyVersions::ID];
