//! The trail's handle: open, append, close.
//!
//! Not here: how records reach the disk (`writer.rs`), what opening checks (`open.rs`).
//! Invariants: an append that returned is durable; after an error every append fails; when the last handle is gone,
//! so are the writer and its lock.

use std::{
    collections::HashSet,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    thread::{Builder, JoinHandle},
};

use crate::{
    Anchor, AppendError, EventId, OpenError, Position, ReadError, ReadFrom, Reader,
    directory::{lock, prepare_directory},
    open::recover,
    queue::{Shared, Waiting},
    read::read,
    writer::Writer,
};

/// How a trail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Greatest usual length of a segment file, in bytes, from [`SEGMENT_BYTES_MIN`] to [`SEGMENT_BYTES_MAX`].
    ///
    /// The first segments are shorter, so that a new trail opens in a moment; a record longer than a segment gets a
    /// longer one.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES }
    }
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// How many records the trail has.
    pub records: u64,
    /// How many bytes of an unfinished group were moved aside into a file `….torn`: a crash interrupted the writer.
    /// No record among them was acknowledged, unless the trail was damaged on purpose; an anchor tells.
    pub torn_tail_bytes: Option<u64>,
}

/// The audit trail, open for appending. Cheap to clone; all clones are one trail.
///
/// Dropping the last clone closes the trail as [`Trail::close`] does, and waits for the disk in doing so.
#[derive(Debug, Clone)]
pub struct Trail(Arc<Handle>);

impl Trail {
    /// Opens the trail in a directory, or creates both. Reads and writes files: not for an asynchronous thread.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another writer has it; [`OpenError::Behind`] if it ends before the anchor;
    /// [`OpenError::Forked`] if the record at the anchor has another hash; [`OpenError::Broken`] if a segment is
    /// missing, a header or a record of the last two segments (or of the anchor's) was changed and no crash explains
    /// it; [`OpenError::SegmentBytes`]; [`OpenError::Io`]. Nothing is changed then.
    pub fn open(directory: &Path, options: Options, anchor: Option<&Anchor>) -> Result<(Self, Recovery), OpenError> {
        let failed = |source| OpenError::Io { path: directory.into(), source };
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&options.segment_bytes) {
            return Err(OpenError::SegmentBytes);
        }
        prepare_directory(directory).map_err(failed)?;
        let lock = lock(directory)?;
        let (tail, torn_tail_bytes) = recover(directory, options.segment_bytes, anchor)?;
        let records = tail.next - 1;
        let head = (records > 0).then_some(Anchor { sequence: records, hash: tail.previous });
        let shared = Arc::new(Shared::new(head));
        let writer = Writer::new(shared.clone(), directory.into(), options.segment_bytes, tail, lock);
        let thread = Builder::new().name("trail-write".into()).spawn(|| writer.run()).map_err(failed)?;
        let handle = Handle { shared, directory: directory.into(), thread: Mutex::new(Some(thread)) };
        Ok((Self(Arc::new(handle)), Recovery { records, torn_tail_bytes }))
    }

    /// Appends a record and waits until it is durable; waits for room in the queue before.
    ///
    /// Records are numbered in the order in which they enter the queue. A caller that stops waiting may or may not
    /// have appended.
    ///
    /// # Errors
    /// See [`AppendError`]; [`AppendError::Overloaded`] never.
    pub async fn append(&self, event_id: EventId, record: Vec<u8>) -> Result<Position, AppendError> {
        let waiting = self.0.shared.push(event_id, record).await?;
        let wake = Wake(&self.0.shared);
        // Other calls that can go on do so first: their records share this one's flush.
        tokio::task::yield_now().await;
        drop(wake);
        PendingAppend(waiting).await
    }

    /// Puts a record into the queue; the future resolves when it is durable. The record is appended even if the
    /// future is dropped.
    ///
    /// # Errors
    /// See [`AppendError`]; [`AppendError::Overloaded`] if the queue has no room.
    pub fn append_nowait(&self, event_id: EventId, record: Vec<u8>) -> Result<PendingAppend, AppendError> {
        let waiting = self.0.shared.try_push(event_id, record)?;
        self.0.shared.wake();
        Ok(PendingAppend(waiting))
    }

    /// The last durable record; none in an empty trail.
    #[must_use]
    pub fn head(&self) -> Option<Anchor> {
        self.0.shared.head()
    }

    /// False after any error of writing or syncing: from then on every append fails. Only opening anew helps.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.0.shared.is_healthy()
    }

    /// The error after which the trail is no longer healthy, for the operator's log.
    #[must_use]
    pub fn failure(&self) -> Option<&io::Error> {
        self.0.shared.failure()
    }

    /// Which of these events are in the trail at or behind a record, in the order given. Reads files, from the
    /// segment of that record on, up to the present head: not for an asynchronous thread.
    ///
    /// # Errors
    /// If a file cannot be read or the chain is broken before the head.
    pub fn contains_since(&self, from_sequence: u64, ids: &[EventId]) -> Result<Vec<EventId>, ReadError> {
        let wanted: HashSet<_> = ids.iter().collect();
        let mut found = HashSet::with_capacity(ids.len());
        let last = self.head().map_or(0, |head| head.sequence);
        if ids.is_empty() || from_sequence > last {
            return Ok(Vec::new());
        }
        let mut reader = read(&self.0.directory, ReadFrom::Sequence(from_sequence))?;
        loop {
            // What is durable is there: a reader that ends before the head has met damage.
            let Some((position, event_id, _)) = reader.poll_next()? else { return Err(reader.broken()) };
            if wanted.contains(&event_id) {
                found.insert(event_id);
            }
            if position.sequence >= last {
                return Ok(ids.iter().copied().filter(|id| found.contains(id)).collect());
            }
        }
    }

    /// Reads from a record on, up to the present end; the reader's head comment says what it checks. Reads files: not for
    /// an asynchronous thread.
    ///
    /// # Errors
    /// If a file cannot be read, or if the segment to begin with is missing.
    pub fn read_from(&self, sequence: u64) -> Result<Reader, ReadError> {
        read(&self.0.directory, ReadFrom::Sequence(sequence))
    }

    /// Takes no more records, writes and syncs those that wait, and ends the writer; other clones find the trail
    /// closed. Waits for the disk: not for an asynchronous thread. The value is the last durable record.
    ///
    /// # Errors
    /// [`AppendError::Failed`] if the trail has failed, now or earlier.
    pub fn close(self) -> Result<Option<Anchor>, AppendError> {
        self.0.close();
        if self.is_healthy() { Ok(self.head()) } else { Err(AppendError::Failed) }
    }
}

/// Wakes the writer when dropped, also with the future of a caller that stops waiting.
struct Wake<'a>(&'a Shared);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// An append that is under way.
#[derive(Debug)]
#[must_use = "a record is known to be durable only when this has resolved"]
pub struct PendingAppend(Waiting);

impl Future for PendingAppend {
    type Output = Result<Position, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A writer that is gone has answered nobody: the record counts as not written.
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(AppendError::Failed)))
    }
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    directory: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    fn close(&self) {
        self.shared.end(AppendError::Closed);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            self.shared.fail(io::Error::other("the writer's thread ended by a panic"));
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Usual greatest length of a segment file, in bytes.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Least configurable length of a segment file, in bytes.
pub const SEGMENT_BYTES_MIN: u64 = 4096;
/// Greatest configurable length of a segment file, in bytes.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

#[cfg(test)]
mod tests;
