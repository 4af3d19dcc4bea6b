//! A transaction as data: what to write, and what must still hold when it is written.
//!
//! Not a session: it holds no lock, and it can be dropped at any time without a trace.
//! Invariant: every member carries the expectation under which it was decided.

use std::{fmt, sync::Arc};

use crate::{
    Expect, KEYSPACE_ID_MAX, KeyBytes as _, Keyspace, LimitError, RawChange, StoreError, TRANSACTION_WRITES_MAX,
    store::{EncodingError, printable},
};

/// Collects changes; [`crate::Store::commit`] applies all of them or none. A record is changed at most once.
#[derive(Default)]
pub struct Transaction {
    members: Vec<Member>,
    failed: Option<StoreError>,
}

/// One member, not yet sealed.
pub(crate) struct Member {
    pub(crate) keyspace: u8,
    pub(crate) key: Vec<u8>,
    pub(crate) expect: Expect,
    pub(crate) action: Action,
}

/// What a member does. Values are plain.
pub(crate) enum Action {
    Change(RawChange),
    /// Writes the first version of a record; the store chooses its number.
    Create(Vec<u8>),
}

impl Transaction {
    /// Writes a new record; expects that there is none. Its first version is a number that no record had before, so
    /// that a record which is deleted and made again is never taken for its predecessor.
    pub fn create<K: Keyspace>(&mut self, key: &K::Key, value: &K::Value) {
        if let Some(value) = self.encode::<K>(key, value) {
            self.member::<K>(key, Expect::Absent, Action::Create(value));
        }
    }

    /// Writes a record anew; expects the version `seen` and writes `seen + 1`.
    pub fn update<K: Keyspace>(&mut self, key: &K::Key, seen: u64, value: &K::Value) {
        if let Some(value) = self.encode::<K>(key, value) {
            // A version that cannot be counted on is refused by the engine's limits.
            let version = seen.saturating_add(1);
            self.member::<K>(key, Expect::Version(seen), Action::Change(RawChange::Put { version, value }));
        }
    }

    /// Removes a record; expects the version `seen`. The engine's files hold nothing of it when the commit returns,
    /// as far as the engine can tell.
    pub fn delete<K: Keyspace>(&mut self, key: &K::Key, seen: u64) {
        self.member::<K>(key, Expect::Version(seen), Action::Change(RawChange::Delete));
    }

    /// Expects that a record which was read is unchanged: still at version `seen`, or (none) still absent.
    pub fn check<K: Keyspace>(&mut self, key: &K::Key, seen: Option<u64>) {
        self.member::<K>(key, seen.map_or(Expect::Absent, Expect::Version), Action::Change(RawChange::Check));
    }

    /// How many more members fit.
    #[must_use]
    pub fn room(&self) -> usize {
        TRANSACTION_WRITES_MAX.saturating_sub(self.members.len())
    }

    /// Whether nothing was collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.failed.is_none()
    }

    /// The members, or what went wrong while they were collected.
    pub(crate) fn into_members(self) -> Result<Vec<Member>, StoreError> {
        self.failed.map_or(Ok(self.members), Err)
    }

    /// Adds a member. A check beside a change of the same record adds nothing if both expect the same; if they do
    /// not, the record changed while it was read twice. Two changes of one record are a mistake.
    pub(crate) fn push(&mut self, member: Member) {
        let twin = self.members.iter_mut().find(|other| other.keyspace == member.keyspace && other.key == member.key);
        let Some(twin) = twin else { return self.members.push(member) };
        if !twin.is_check() && !member.is_check() {
            self.fail(StoreError::Limit(LimitError::Repeated));
        } else if twin.expect != member.expect {
            self.fail(StoreError::Conflict);
        } else if twin.is_check() {
            *twin = member;
        }
    }

    fn member<K: Keyspace>(&mut self, key: &K::Key, expect: Expect, action: Action) {
        const { assert!(K::ID <= KEYSPACE_ID_MAX, "the keyspace's number belongs to this crate") };
        self.push(Member { keyspace: K::ID, key: key.to_key(), expect, action });
    }

    fn encode<K: Keyspace>(&mut self, key: &K::Key, value: &K::Value) -> Option<Vec<u8>> {
        match serde_json::to_vec(value) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.fail(StoreError::Encoding(EncodingError::new(K::NAME, &key.to_key(), Arc::new(error))));
                None
            }
        }
    }

    fn fail(&mut self, error: StoreError) {
        self.failed.get_or_insert(error);
    }
}

impl Member {
    fn is_check(&self) -> bool {
        matches!(self.action, Action::Change(RawChange::Check))
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members.iter().map(|member| (member.keyspace, printable(&member.key), member.expect));
        f.debug_list().entries(members).finish()
    }
}
