//! Writes what was noted, some at a time and behind the calls.
//!
//! Invariant: the number that is stored as read never passes a record whose use is not stored.

use std::{collections::HashMap, time::Duration};

use kanuki_store::{StoreError, TRANSACTION_WRITES_MAX, Transaction};
use kanuki_trail::Trail;
use kanuki_types::KeyArn;
use tokio::time::sleep;

use super::{
    LastUsage,
    record::{LastUses, Tracking, Trackings, Use},
};
use crate::keys::{Keys, key_key};

/// How far the notes are written.
#[derive(Debug, Default)]
pub(super) struct Written {
    tracking: Option<(Tracking, u64)>,
    /// The last record of the trail when the gate was turned, while the calls from before are still awaited.
    turned_at: Option<u64>,
    /// How often nothing was written, as it was not due.
    skipped: u32,
}

impl Written {
    pub(super) fn set(&mut self, tracking: Tracking, version: u64) {
        self.tracking = Some((tracking, version));
    }

    /// Whether so much has happened, or so long ago, that a crash now would make the next start slow.
    fn is_due(&mut self, records: u64) -> bool {
        self.skipped += 1;
        records > 0 && (records >= RECORDS_MAX || self.skipped >= SKIPPED_MAX)
    }
}

impl LastUsage {
    /// Writes what was noted, if it is due; called once in a second.
    ///
    /// # Errors
    /// If the store fails; nothing is lost, and it is tried again the next time.
    pub async fn write_if_due(&self, trail: &Trail, keys: &Keys) -> Result<(), StoreError> {
        self.write(trail, keys, false).await
    }

    /// Writes what was noted, so that the next start has nothing to read again.
    ///
    /// # Errors
    /// As [`LastUsage::write_if_due`].
    pub async fn write_all(&self, trail: &Trail, keys: &Keys) -> Result<(), StoreError> {
        self.write(trail, keys, true).await
    }

    async fn write(&self, trail: &Trail, keys: &Keys, at_once: bool) -> Result<(), StoreError> {
        let mut written = self.written.lock().await;
        let Some((tracking, version)) = written.tracking else { return Ok(()) };
        if written.turned_at.is_none() {
            let head = trail.head().map_or(0, |head| head.sequence);
            let records = head.saturating_sub(tracking.sequence);
            let is_due = written.is_due(records) || (at_once && records > 0);
            if !is_due {
                return Ok(());
            }
            // First the number, then the turn: the calls whose records are up to it were inside before the turn.
            if !self.gate.turn() {
                return Ok(());
            }
            written.turned_at = Some(head);
        }
        if !self.is_quiet_soon().await {
            return Ok(());
        }
        let Some(sequence) = written.turned_at else { return Ok(()) };
        self.write_uses(self.notes.leave(), keys).await?;
        let tracking = Tracking { sequence, ..tracking };
        let mut change = Transaction::default();
        change.update::<Trackings>(&(), version, &tracking);
        self.store.commit(change).await?;
        self.notes.left();
        *written = Written { tracking: Some((tracking, version.saturating_add(1))), ..Written::default() };
        Ok(())
    }

    async fn is_quiet_soon(&self) -> bool {
        for _ in 0..QUIET_LOOKS_MAX {
            if self.gate.is_quiet() {
                return true;
            }
            sleep(QUIET_PAUSE).await;
        }
        self.gate.is_quiet()
    }

    async fn write_uses(&self, uses: HashMap<KeyArn, Use>, keys: &Keys) -> Result<(), StoreError> {
        let mut uses = uses.into_iter();
        loop {
            let some: Vec<_> = uses.by_ref().take(USES_AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.write_some(&some, keys).await?;
        }
    }

    /// A key that is deleted or changed at this moment makes it a conflict: then once more, with what is there then.
    async fn write_some(&self, uses: &[(KeyArn, Use)], keys: &Keys) -> Result<(), StoreError> {
        for _ in 1..ATTEMPTS_MAX {
            match self.store.commit(self.change(uses, keys).await?).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        self.store.commit(self.change(uses, keys).await?).await
    }

    /// A damaged record holds up its own key and no other, or the trail would be read from ever further back.
    async fn change(&self, uses: &[(KeyArn, Use)], keys: &Keys) -> Result<Transaction, StoreError> {
        let mut change = Transaction::default();
        for (arn, found) in uses {
            match self.add_to(&mut change, arn, found, keys).await {
                Err(error) if error.is_of_one_record() => {
                    tracing::error!(%error, key = %arn, "the last use of a key cannot be written");
                }
                done => done?,
            }
        }
        Ok(change)
    }

    async fn add_to(&self, change: &mut Transaction, arn: &KeyArn, found: &Use, keys: &Keys) -> Result<(), StoreError> {
        // What was known of a deleted key must not come back.
        let Some(key) = keys.get(arn).await? else { return Ok(()) };
        match self.store.get::<LastUses>(&key_key(arn)).await? {
            Some(known) if known.value.sequence >= found.sequence => return Ok(()),
            Some(known) => change.update::<LastUses>(&key_key(arn), known.version, found),
            None => change.create::<LastUses>(&key_key(arn), found),
        }
        key.expect_unchanged(change);
        Ok(())
    }
}

/// So many records behind what is written, a start reads again: less than a second's work.
const RECORDS_MAX: u64 = 50_000;
/// So many times nothing is written while little happens.
const SKIPPED_MAX: u32 = 30;
/// Two members of a transaction each.
const USES_AT_ONCE: usize = 60;
const _: () = assert!(USES_AT_ONCE * 2 <= TRANSACTION_WRITES_MAX);
const ATTEMPTS_MAX: u32 = 5;
const QUIET_LOOKS_MAX: usize = 200;
const QUIET_PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_by_number_or_by_time() {
        let mut written = Written::default();
        assert!(!written.is_due(1));
        assert!(written.is_due(RECORDS_MAX));
        let mut written = Written::default();
        assert_eq!((0..SKIPPED_MAX).filter(|_| written.is_due(1)).count(), 1);
        assert!(!written.is_due(0));
    }
}
