//! The thread that writes: group commit, notification, and the removal of what was deleted.
//!
//! Not here: reading for callers.
//! Invariants: a job is answered with success after its commit is synced and the feed told; a job that fails leaves
//! nothing of itself; jobs are applied in the order of the queue.
//!
//! What becomes of deleted bytes. SQLite zeroes them in their pages (`secure_delete`), but the write-ahead log still
//! holds older pages, and the main file holds the old page until the log is copied into it. Copying the log and
//! cutting it to nothing (a checkpoint with `TRUNCATE`) removes both. It costs two syncs, so:
//! - after a `Delete` it happens before the answer;
//! - after anything else (`Put` over an older value, `Discard`) it happens when the queue has been idle for
//!   [`SCRUB_IDLE`], and at the latest after [`SCRUB_BATCHES_MAX`] batches, which also bounds the log.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::{
    engine_error,
    queue::{Queue, Waiting},
    schema::LOCAL_BYTES_MAX,
};
use crate::{Change, ChangeFeed, Committed, EngineError, Expect, RawChange, RawWrite};

/// A transaction and who waits for it.
pub(super) struct Job {
    pub(super) writes: Vec<RawWrite>,
    pub(super) answer: oneshot::Sender<Result<Committed, EngineError>>,
}

/// Starts the thread.
pub(super) fn start(connection: Connection, feed: ChangeFeed) -> io::Result<Queue<Job>> {
    let (mut queue, receiver) = Queue::new(QUEUE_LENGTH_MAX);
    let mut writer = Writer { connection, feed, unscrubbed: 0, scrubs: true };
    queue.spawn("store-write", move || writer.run(&receiver))?;
    Ok(queue)
}

struct Writer {
    connection: Connection,
    feed: ChangeFeed,
    /// Batches committed since the log was last cut.
    unscrubbed: u32,
    /// Whether the last attempt to cut it succeeded.
    scrubs: bool,
}

impl Writer {
    fn run(&mut self, receiver: &Receiver<Waiting<Job>>) {
        loop {
            let wait = if self.unscrubbed == 0 { Duration::MAX } else { SCRUB_IDLE };
            match receiver.recv_timeout(wait) {
                Ok(first) => {
                    let rest = receiver.try_iter().take(BATCH_JOBS_MAX - 1);
                    self.batch(std::iter::once(first).chain(rest).map(|waiting| waiting.job).collect());
                }
                Err(RecvTimeoutError::Timeout) => self.scrub(),
                // The last connection to close copies the log and removes it.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Commits jobs together. If that fails as a whole, one of them may be the reason, so each gets its own commit.
    fn batch(&mut self, jobs: Vec<Job>) {
        match self.commit(&jobs) {
            Ok(applied) => self.answer(jobs, &applied),
            Err(error) => match <[Job; 1]>::try_from(jobs) {
                // The caller may have gone.
                Ok([job]) => drop(job.answer.send(Err(engine_error(error)))),
                Err(jobs) => jobs.into_iter().for_each(|job| self.batch(vec![job])),
            },
        }
    }

    /// One transaction for all jobs, one savepoint for each; says which were applied.
    fn commit(&mut self, jobs: &[Job]) -> rusqlite::Result<Vec<bool>> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut applied = Vec::with_capacity(jobs.len());
        for job in jobs {
            let savepoint = transaction.savepoint()?;
            let holds = apply(&savepoint, &job.writes)?;
            if holds {
                savepoint.commit()?;
            } else {
                savepoint.finish()?;
            }
            applied.push(holds);
        }
        transaction.commit()?;
        Ok(applied)
    }

    /// Tells the feed, scrubs if a deletion asks for it, and answers; in this order.
    fn answer(&mut self, jobs: Vec<Job>, applied: &[bool]) {
        let done = || jobs.iter().zip(applied).filter(|(_, applied)| **applied).flat_map(|(job, _)| &job.writes);
        let changed = done().filter(|write| write.change != RawChange::Check);
        let changes: Vec<_> =
            changed.map(|write| Change { keyspace: write.keyspace, key: write.key.clone() }).collect();
        self.feed.publish(&changes);
        self.unscrubbed += u32::from(!changes.is_empty());
        let deletes = done().any(|write| write.change == RawChange::Delete);
        if deletes || self.unscrubbed >= SCRUB_BATCHES_MAX {
            self.scrub();
        }
        for (job, applied) in jobs.into_iter().zip(applied) {
            // The caller may have gone.
            drop(job.answer.send(if *applied { Ok(Committed) } else { Err(EngineError::Conflict) }));
        }
    }

    /// Copies the log into the main file and cuts it. The commits it concerns are durable, so a failure is not theirs:
    /// the operator hears of the first, and it is tried again when the queue is idle or some batches later.
    fn scrub(&mut self) {
        let busy = self.connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0));
        let done = matches!(busy, Ok(false));
        match busy {
            _ if done == self.scrubs => {}
            Ok(false) => tracing::info!("the store's log was cut again"),
            Ok(true) => tracing::warn!("the store's log cannot be cut while another program reads the database"),
            Err(error) => tracing::error!(%error, "the store's log cannot be cut"),
        }
        self.scrubs = done;
        self.unscrubbed = u32::from(!done);
    }
}

/// Applies a transaction if all of its expectations hold. Expectations are about the state before it.
fn apply(connection: &Connection, writes: &[RawWrite]) -> rusqlite::Result<bool> {
    for write in writes {
        if !holds(connection, write)? {
            return Ok(false);
        }
    }
    for RawWrite { keyspace, key, change, .. } in writes {
        match change {
            RawChange::Check => {}
            RawChange::Delete | RawChange::Discard => {
                connection
                    .prepare_cached("delete from records where keyspace = ?1 and key = ?2")?
                    .execute(params![keyspace, key])?;
            }
            RawChange::Put { version, value } => {
                connection
                    .prepare_cached(
                        "insert into records (keyspace, key, version, padding, value)
                         values (?1, ?2, ?3, zeroblob(?5 - length(?2)), ?4)
                         on conflict do update set version = excluded.version, value = excluded.value",
                    )?
                    .execute(params![keyspace, key, version.cast_signed(), value, LOCAL_BYTES_MAX])?;
            }
        }
    }
    Ok(true)
}

fn holds(connection: &Connection, write: &RawWrite) -> rusqlite::Result<bool> {
    if write.expect == Expect::Any {
        return Ok(true);
    }
    let found: Option<i64> = connection
        .prepare_cached("select version from records where keyspace = ?1 and key = ?2")?
        .query_row(params![write.keyspace, write.key], |row| row.get(0))
        .optional()?;
    Ok(match write.expect {
        Expect::Absent => found.is_none(),
        Expect::Any => true,
        Expect::Version(version) => found.map(i64::cast_unsigned) == Some(version),
    })
}

/// Most transactions that wait; callers beyond wait for a place.
const QUEUE_LENGTH_MAX: usize = 1024;

/// Most transactions of one commit: enough to share a sync, few enough to keep the first from waiting.
const BATCH_JOBS_MAX: usize = 256;

/// How long the queue is idle before the log is cut.
const SCRUB_IDLE: Duration = Duration::from_millis(50);

/// Most batches between two cuts of the log.
const SCRUB_BATCHES_MAX: u32 = 64;
