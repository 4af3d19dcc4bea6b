//! The writer: one thread that takes every waiting record, chains it, writes all with one call and syncs once.
//!
//! Not here: the queue; recovery.
//! Invariants: a caller is told of success only after the sync that covers its record; a group is written only after
//! the one before it is durable; after an error nothing is written any more.

use std::{collections::VecDeque, fs::File, io, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc};

use tokio::sync::oneshot;

use crate::{
    AppendError, Position,
    chain::Hash,
    prepare::{Prepared, Preparer},
    queue::{Request, Shared, refuse, room_for},
    segment::{HEADER_BYTES, Header, RECORD_HEAD_BYTES, RecordHead},
};

/// The segment that is written.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) file: File,
    pub(crate) number: u64,
    pub(crate) capacity: u64,
    /// Where the next record goes.
    pub(crate) offset: u64,
}

/// Where the trail ends.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) segment: Current,
    /// The next record's number.
    pub(crate) next: u64,
    /// The hash before the next record.
    pub(crate) previous: Hash,
    /// A file that was prepared for the next segment.
    pub(crate) prepared: Option<Prepared>,
}

/// The writer.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    segment: Current,
    next: u64,
    previous: Hash,
    segment_bytes: u64,
    preparer: Preparer,
    /// Held as long as the writer lives.
    _lock: File,
    buffer: Vec<u8>,
    waiting: Vec<(oneshot::Sender<Result<Position, AppendError>>, Position)>,
}

impl Writer {
    /// A writer that goes on where the trail ends.
    pub(crate) fn new(shared: Arc<Shared>, directory: PathBuf, segment_bytes: u64, tail: Tail, lock: File) -> Self {
        Self {
            shared,
            segment: tail.segment,
            next: tail.next,
            previous: tail.previous,
            segment_bytes,
            preparer: Preparer::new(directory, tail.prepared),
            _lock: lock,
            buffer: Vec::with_capacity(GROUP_LEN_MAX),
            waiting: Vec::new(),
        }
    }

    /// Writes until the queue ends or something fails.
    pub(crate) fn run(mut self) {
        let mut batch = VecDeque::new();
        while self.shared.take(&mut batch) {
            while !batch.is_empty() {
                if let Err(error) = self.write_group(&mut batch) {
                    return self.fail(error, batch);
                }
            }
        }
    }

    /// Writes as many records as a group and the segment take, syncs, and tells the callers.
    fn write_group(&mut self, batch: &mut VecDeque<Request>) -> io::Result<()> {
        let mut room = 0;
        while let Some(request) = batch.pop_front() {
            let size = RECORD_HEAD_BYTES + request.record.len() as u64;
            let group = self.buffer.len() as u64;
            let full = self.segment.offset + group + size > self.segment.capacity;
            if group > 0 && (full || group + size > GROUP_BYTES_MAX) {
                batch.push_front(request);
                break;
            }
            if full && let Err(error) = self.rotate(size) {
                batch.push_front(request);
                return Err(error);
            }
            room += room_for(&request.record).map_or(0, |room| room as usize);
            self.chain(request);
        }
        self.write(&self.buffer, self.segment.offset)?;
        self.sync()?;
        self.segment.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.tell(room);
        self.prepare_next();
        Ok(())
    }

    /// Chains one record and puts it into the buffer.
    fn chain(&mut self, Request { event_id, record, done }: Request) {
        // A group has fewer records than bytes, so its places fit.
        let group_place = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let head = RecordHead::new(&self.previous, (self.next, group_place), event_id, &record);
        head.encode(&mut self.buffer);
        self.buffer.extend_from_slice(&record);
        self.waiting.push((done, Position { sequence: self.next, hash: head.hash }));
        self.next += 1;
        self.previous = head.hash;
    }

    /// Publishes the new head and wakes everyone whose record is now durable.
    fn tell(&mut self, room: usize) {
        if let Some((_, last)) = self.waiting.last() {
            self.shared.set_head((*last).into());
        }
        self.shared.release(room);
        for (done, position) in self.waiting.drain(..) {
            // Who no longer waits needs no answer; the record stands nevertheless.
            let _ = done.send(Ok(position));
        }
    }

    /// Begins the next segment. Its header is durable before a record is written behind it.
    fn rotate(&mut self, size: u64) -> io::Result<()> {
        let number = self.segment.number + 1;
        let usual = next_capacity(self.segment.capacity, self.segment_bytes);
        let prepared = self.preparer.take(number, usual, HEADER_BYTES + size)?;
        let Prepared { file, capacity } = prepared;
        self.segment = Current { file, number, capacity, offset: HEADER_BYTES };
        let header = Header { number, first_sequence: self.next, capacity, previous: self.previous };
        self.write(&header.encode(), 0)?;
        self.sync()
    }

    /// Has the next file prepared once half of this one is used.
    fn prepare_next(&mut self) {
        let Current { number, capacity, offset, .. } = self.segment;
        if offset >= capacity / 2 {
            self.preparer.start(number + 1, next_capacity(capacity, self.segment_bytes));
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        self.shared.faults.check(crate::faults::Fault::Write)?;
        self.segment.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.shared.faults.check(crate::faults::Fault::Sync)?;
        self.segment.file.sync_data()
    }

    /// A failed sync may have dropped what was written: nobody can know what is on the disk, so nothing is retried.
    fn fail(&mut self, error: io::Error, batch: VecDeque<Request>) {
        self.shared.fail(error);
        for (done, _) in self.waiting.drain(..) {
            let _ = done.send(Err(AppendError::Failed));
        }
        refuse(batch);
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it any more.
    fn drop(&mut self) {
        self.shared.end(AppendError::Failed);
    }
}

/// The usual length of the next segment: four times the present one's, up to the configured length. A new trail
/// starts in a moment and a small one stays small.
pub(crate) fn next_capacity(present: u64, segment_bytes: u64) -> u64 {
    present.saturating_mul(4).clamp(SEGMENT_BYTES_FIRST, segment_bytes.max(SEGMENT_BYTES_FIRST)).min(segment_bytes)
}

/// Most bytes of a group: what one crash can damage.
pub(crate) const GROUP_BYTES_MAX: u64 = 1 << 20;
const GROUP_LEN_MAX: usize = 1 << 20;
/// Usual length of the first segment, in bytes.
const SEGMENT_BYTES_FIRST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// The place in the group is what tells a crash from damage.
    #[test]
    fn what_waits_becomes_one_group_within_bounds() {
        let directory = tempfile::tempdir().unwrap();
        let (tail, _) = crate::open::recover(directory.path(), 4 << 20, None).unwrap();
        let lock = crate::directory::lock(directory.path()).unwrap();
        let shared = Arc::new(Shared::new(None));
        // Four fit into a group and into the first segment.
        let waiting: Vec<_> =
            [250_000; 9].map(|length| shared.try_push(crate::EventId([1; 16]), vec![1; length]).unwrap()).into();
        shared.end(AppendError::Closed);
        Writer::new(shared.clone(), directory.path().into(), 4 << 20, tail, lock).run();
        let mut places = Vec::new();
        for number in [1, 2] {
            let (mut walk, beginning) = crate::walk::Walk::open(directory.path(), number).unwrap();
            let crate::segment::Beginning::Begun(header) = beginning else { panic!() };
            walk.begin(&header);
            while let crate::walk::Step::Record(head, _) = walk.step().unwrap() {
                places.push((number, head.group_place));
            }
        }
        assert_eq!(places, [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3), (2, 0)]);
        assert_eq!(shared.head().unwrap().sequence, 9);
        for one in waiting {
            assert!(one.blocking_recv().unwrap().is_ok());
        }
    }

    #[test]
    fn segments_grow_up_to_the_configured_length() {
        let lengths = |segment_bytes| {
            let mut present = 0;
            std::iter::from_fn(|| {
                present = next_capacity(present, segment_bytes);
                Some(present)
            })
            .take(5)
            .collect::<Vec<_>>()
        };
        assert_eq!(lengths(64 << 20), [1 << 20, 4 << 20, 16 << 20, 64 << 20, 64 << 20]);
        assert_eq!(lengths(4096), [4096; 5]);
        assert_eq!(next_capacity(100 << 20, 64 << 20), 64 << 20);
    }
}
