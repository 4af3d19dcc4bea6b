//! The queue of decisions and its writer.
//!
//! Invariants: [`DecisionLog::note`] never waits; the queue is bounded, and what it cannot take is counted; the writer
//! never keeps more than the limit of bytes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kanuki_store::{Store, StoreError, Transaction};
use tokio::sync::{mpsc, oneshot, watch};

use super::records::{DECISIONS_BYTES_MAX, DecisionRecord, DecisionTotals, Decisions, DecisionsByRequest, Totals};

/// Makes the record of a decision; called off the answer path.
pub(crate) type Explain = Box<dyn FnOnce() -> DecisionRecord + Send>;

/// What goes through the queue.
enum Entry {
    Decision(Explain),
    /// Whoever waits is told when everything before was written.
    Flush(oneshot::Sender<()>),
}

/// The place where decisions are handed in.
#[derive(Clone)]
pub struct DecisionLog {
    queue: mpsc::Sender<Entry>,
    lost: Arc<AtomicU64>,
    keeps_allowed: bool,
}

impl std::fmt::Debug for DecisionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionLog").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

/// A log and its writer, which must be run. Decisions of allowed calls are kept only if `keeps_allowed`.
#[must_use]
pub fn decision_log(store: Store, keeps_allowed: bool) -> (DecisionLog, DecisionWriter) {
    let (queue, waiting) = mpsc::channel(QUEUE_MAX);
    let lost = Arc::new(AtomicU64::new(0));
    let log = DecisionLog { queue, lost: Arc::clone(&lost), keeps_allowed };
    (log, DecisionWriter { store, waiting, lost, said: 0, bytes_max: DECISIONS_BYTES_MAX })
}

impl DecisionLog {
    /// Whether decisions of allowed calls are kept too.
    #[must_use]
    pub fn keeps_allowed(&self) -> bool {
        self.keeps_allowed
    }

    /// How many decisions were lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Hands a decision in.
    pub(crate) fn note(&self, explain: Explain) {
        if let Some(place) = self.reserve() {
            place.0.send(Entry::Decision(explain));
        }
    }

    /// A place for a decision that is yet to be explained; none if the queue is full, and then it counts as lost. So a
    /// flood of denials explains no more of them than can be kept.
    pub(crate) fn reserve(&self) -> Option<Place<'_>> {
        let place = self.queue.try_reserve().ok().map(Place);
        if place.is_none() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        place
    }

    /// Waits until everything that was handed in before is written, or lost.
    pub(crate) async fn flush(&self) {
        let (tell, told) = oneshot::channel();
        if self.queue.send(Entry::Flush(tell)).await.is_ok() {
            // An error means that the writer has ended.
            let _ = told.await;
        }
    }
}

/// A place in the queue.
pub(crate) struct Place<'a>(mpsc::Permit<'a, Entry>);

impl Place<'_> {
    /// Hands in the decision that it was reserved for.
    pub(crate) fn note(self, decision: DecisionRecord) {
        self.0.send(Entry::Decision(Box::new(move || decision)));
    }
}

/// Writes decisions to the store.
pub struct DecisionWriter {
    store: Store,
    waiting: mpsc::Receiver<Entry>,
    lost: Arc<AtomicU64>,
    /// How many of the lost ones the operator's log has been told of.
    said: u64,
    bytes_max: u64,
}

impl std::fmt::Debug for DecisionWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionWriter").finish_non_exhaustive()
    }
}

impl DecisionWriter {
    /// The writer with another limit, for tests of the limit.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Writes until `stopped`, and then what is still in the queue.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let count = tokio::select! {
                count = self.waiting.recv_many(&mut batch, BATCH) => count,
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            if count == 0 {
                return;
            }
            self.write(&mut batch).await;
        }
        self.waiting.close();
        while self.waiting.recv_many(&mut batch, BATCH).await > 0 {
            self.write(&mut batch).await;
        }
    }

    async fn write(&mut self, batch: &mut Vec<Entry>) {
        let (mut records, mut told) = (Vec::new(), Vec::new());
        for entry in batch.drain(..) {
            match entry {
                Entry::Decision(explain) => records.push(explain().shortened()),
                Entry::Flush(tell) => told.push(tell),
            }
        }
        if let Err(error) = self.keep(&records).await {
            self.lost.fetch_add(records.len() as u64, Ordering::Relaxed);
            tracing::error!(%error, "decisions could not be kept");
        }
        for tell in told {
            // Whoever waited may have gone away.
            let _ = tell.send(());
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.said {
            tracing::warn!(lost = lost - self.said, "reasons of decisions were lost; their audit records were not");
            self.said = lost;
        }
    }

    /// Writes decisions, and removes the oldest while there is too much.
    async fn keep(&self, records: &[DecisionRecord]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let stored = self.store.get::<DecisionTotals>(&TOTALS).await?;
        let mut totals = stored.as_ref().map(|stored| stored.value).unwrap_or_default();
        let mut change = Transaction::default();
        for record in records {
            change.create::<Decisions>(&totals.next, record);
            // Ids are random: one that is known already is a client's luck, and the later decision wins.
            match self.store.get::<DecisionsByRequest>(&record.request_id).await? {
                Some(known) => change.update::<DecisionsByRequest>(&record.request_id, known.version, &totals.next),
                None => change.create::<DecisionsByRequest>(&record.request_id, &totals.next),
            }
            totals.next += 1;
            totals.bytes += record.size();
        }
        let newest = totals.next - records.len() as u64;
        self.remove_oldest(&mut change, &mut totals, newest).await?;
        match stored {
            Some(stored) => change.update::<DecisionTotals>(&TOTALS, stored.version, &totals),
            None => change.create::<DecisionTotals>(&TOTALS, &totals),
        }
        self.store.commit(change).await
    }

    async fn remove_oldest(&self, change: &mut Transaction, totals: &mut Totals, end: u64) -> Result<(), StoreError> {
        for _ in 0..REMOVALS_MAX {
            if totals.bytes <= self.bytes_max || totals.first >= end {
                return Ok(());
            }
            if let Some(oldest) = self.store.get::<Decisions>(&totals.first).await? {
                change.delete::<Decisions>(&totals.first, oldest.version);
                totals.bytes = totals.bytes.saturating_sub(oldest.value.size());
                let id = &oldest.value.request_id;
                if let Some(name) =
                    self.store.get::<DecisionsByRequest>(id).await?.filter(|it| it.value == totals.first)
                {
                    change.delete::<DecisionsByRequest>(id, name.version);
                }
            }
            totals.first += 1;
        }
        Ok(())
    }
}

/// The decision of a call; none if it is not kept.
///
/// # Errors
/// If the store fails or refuses a record.
pub(crate) async fn find(store: &Store, request_id: &str) -> Result<Option<DecisionRecord>, StoreError> {
    let Some(number) = store.get::<DecisionsByRequest>(&request_id.to_owned()).await? else { return Ok(None) };
    Ok(store.get::<Decisions>(&number.value).await?.map(|found| found.value))
}

/// Where the totals are.
const TOTALS: u64 = 0;
/// Most decisions that wait to be written.
const QUEUE_MAX: usize = 1024;
/// Most decisions written at once: with their names and removals they stay within the limits of a transaction.
const BATCH: usize = 16;
/// Most decisions removed at once, more than are written at once.
const REMOVALS_MAX: usize = 32;

#[cfg(test)]
mod tests;
