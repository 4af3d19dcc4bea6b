//! First versions: each created record begins at a number that no record of the store began at before.
//!
//! Not a clock, not a count of records: numbers are reserved in blocks, and a restart leaves a gap.
//! Invariants: no number is given twice, whatever crashes; a record that was deleted and made again has no version in
//! common with its predecessor, so an expectation about the one never holds for the other.

use std::ops::Range;

use tokio::sync::Mutex;

use crate::{Expect, KeyBytes as _, Keyspace, RawChange, RawWrite, Store, StoreError, keyspace::BOOKKEEPING_ID};

/// The numbers reserved and not yet given. Empty at start, so a store that only reads reserves nothing.
#[derive(Debug)]
pub(crate) struct Incarnations(Mutex<Range<u64>>);

impl Incarnations {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(0..0))
    }

    /// A first version.
    pub(crate) async fn next(&self, store: &Store) -> Result<u64, StoreError> {
        let mut reserved = self.0.lock().await;
        loop {
            if let Some(number) = reserved.next() {
                return Ok(number << UPDATES_BITS);
            }
            *reserved = reserve(store).await?;
        }
    }
}

/// Reserves a block; on a conflict with another node, the next.
async fn reserve(store: &Store) -> Result<Range<u64>, StoreError> {
    loop {
        let seen = store.get::<Bookkeeping>(&NEXT.to_owned()).await?;
        let (expect, version, start) = match seen {
            Some(seen) => (Expect::Version(seen.version), seen.version.saturating_add(1), seen.value),
            None => (Expect::Absent, 1, 1),
        };
        let end = start.saturating_add(BLOCK);
        let change = RawChange::Put { version, value: end.to_string().into_bytes() };
        let write = RawWrite { keyspace: Bookkeeping::ID, key: NEXT.to_owned().to_key(), expect, change };
        match store.write(vec![write]).await {
            Ok(()) => return Ok(start..end),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
}

/// This crate's own records.
struct Bookkeeping;

impl Keyspace for Bookkeeping {
    const ID: u8 = BOOKKEEPING_ID;
    const NAME: &'static str = "bookkeeping";
    type Key = String;
    type Value = u64;
}

/// The key of the first number that is not reserved.
const NEXT: &str = "incarnation";

/// Numbers per reservation: rare enough to cost nothing, small enough that restarts waste nothing that matters.
const BLOCK: u64 = 1 << 16;

/// Versions per number, for the updates of one record. A record that outlives them runs into numbers given out long
/// ago to other records, which does no harm: only successors under the same key matter. What remains of 63 bits
/// allows a thousand creations per second for 270 years.
const UPDATES_BITS: u32 = 20;
