//! The queue between callers and the writer, and what both know of the trail's state.
//!
//! Not here: files.
//! Invariants: the queue never holds more than `QUEUE_BYTES_MAX` bytes nor more than `QUEUE_RECORDS_MAX` records;
//! once the trail has failed or is closed nothing is taken any more and nobody waits for ever.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Semaphore, oneshot};

use crate::{Anchor, AppendError, EventId, Position, RECORD_BYTES_MAX};

/// One record that waits.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) event_id: EventId,
    pub(crate) record: Vec<u8>,
    pub(crate) done: oneshot::Sender<Result<Position, AppendError>>,
}

/// What callers and the writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Room in the queue, in bytes.
    room: Semaphore,
    head: Mutex<Option<Anchor>>,
    healthy: AtomicBool,
    /// Why the trail failed.
    failure: OnceLock<io::Error>,
    /// Fails writes and syncs at will.
    #[cfg(test)]
    pub(crate) faults: crate::faults::Faults,
}

#[derive(Debug)]
struct Queue {
    requests: VecDeque<Request>,
    /// Why nothing is taken any more.
    ended: Option<AppendError>,
    /// Whether the writer waits to be woken: a wake-up costs a system call.
    sleeping: bool,
}

impl Shared {
    /// An empty queue before a trail that ends with this record.
    pub(crate) fn new(head: Option<Anchor>) -> Self {
        Self {
            queue: Mutex::new(Queue { requests: VecDeque::new(), ended: None, sleeping: false }),
            arrived: Condvar::new(),
            room: Semaphore::new(QUEUE_BYTES_MAX),
            head: Mutex::new(head),
            healthy: AtomicBool::new(true),
            failure: OnceLock::new(),
            #[cfg(test)]
            faults: crate::faults::Faults::default(),
        }
    }

    /// Waits for room in the queue and puts a record in; the writer is not woken for it.
    pub(crate) async fn push(&self, event_id: EventId, record: Vec<u8>) -> Result<Waiting, AppendError> {
        let room = room_for(&record)?;
        // The permits come back when the writer has taken the record.
        let permit = self.room.acquire_many(room).await.map_err(|_| self.reason())?;
        permit.forget();
        self.put(event_id, record)
    }

    /// Puts a record in if there is room; the writer is not woken for it.
    pub(crate) fn try_push(&self, event_id: EventId, record: Vec<u8>) -> Result<Waiting, AppendError> {
        let room = room_for(&record)?;
        let permit = self.room.try_acquire_many(room).map_err(|error| match error {
            tokio::sync::TryAcquireError::Closed => self.reason(),
            tokio::sync::TryAcquireError::NoPermits => AppendError::Overloaded,
        })?;
        permit.forget();
        self.put(event_id, record)
    }

    /// Waits until there are records, and swaps them with an empty queue. False if there are none and none will come.
    pub(crate) fn take(&self, batch: &mut VecDeque<Request>) -> bool {
        let mut queue = self.queue();
        while queue.requests.is_empty() {
            if queue.ended.is_some() {
                return false;
            }
            queue.sleeping = true;
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.sleeping = false;
        }
        std::mem::swap(batch, &mut queue.requests);
        true
    }

    /// Wakes the writer, if it sleeps and there is something to write.
    pub(crate) fn wake(&self) {
        let asleep = {
            let mut queue = self.queue();
            // Whoever finds it asleep wakes it; each further call would cost a system call for nothing.
            !queue.requests.is_empty() && std::mem::take(&mut queue.sleeping)
        };
        if asleep {
            self.arrived.notify_one();
        }
    }

    /// Whether the writer waits to be woken.
    #[cfg(test)]
    pub(crate) fn is_asleep(&self) -> bool {
        self.queue().sleeping
    }

    /// Gives back the room of records that were written.
    pub(crate) fn release(&self, room: usize) {
        self.room.add_permits(room);
    }

    /// Ends the queue: closed, or failed. The first reason stays. What waits is left to the writer if closed, and
    /// refused if failed.
    pub(crate) fn end(&self, reason: AppendError) {
        let refused = {
            let mut queue = self.queue();
            let reason = *queue.ended.get_or_insert(reason);
            if reason == AppendError::Failed {
                self.healthy.store(false, Ordering::Release);
            }
            self.room.close();
            self.arrived.notify_all();
            if reason == AppendError::Failed { std::mem::take(&mut queue.requests) } else { VecDeque::new() }
        };
        refuse(refused);
    }

    /// Fails the trail, also one that is being closed. The first error stays.
    pub(crate) fn fail(&self, error: io::Error) {
        let _ = self.failure.set(error);
        self.queue().ended = Some(AppendError::Failed);
        self.end(AppendError::Failed);
    }

    /// Whether no write or sync has failed.
    pub(crate) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    /// The error that failed the trail.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failure.get()
    }

    /// The last durable record.
    pub(crate) fn head(&self) -> Option<Anchor> {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the last durable record on.
    pub(crate) fn set_head(&self, head: Anchor) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    /// Why nothing is taken any more.
    pub(crate) fn reason(&self) -> AppendError {
        self.queue().ended.unwrap_or(AppendError::Failed)
    }

    fn put(&self, event_id: EventId, record: Vec<u8>) -> Result<Waiting, AppendError> {
        let (done, waiting) = oneshot::channel();
        let mut queue = self.queue();
        if let Some(reason) = queue.ended {
            return Err(reason);
        }
        queue.requests.push_back(Request { event_id, record, done });
        Ok(waiting)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when the record is durable or refused.
pub(crate) type Waiting = oneshot::Receiver<Result<Position, AppendError>>;

/// Tells everyone who waits that the trail has failed.
pub(crate) fn refuse(requests: impl IntoIterator<Item = Request>) {
    for request in requests {
        // Who no longer waits needs no answer.
        let _ = request.done.send(Err(AppendError::Failed));
    }
}

/// The room that a record takes: its bytes, and at least its share, so that one count bounds bytes and records.
pub(crate) fn room_for(record: &[u8]) -> Result<u32, AppendError> {
    if record.is_empty() {
        return Err(AppendError::Empty);
    }
    if record.len() > RECORD_BYTES_MAX {
        return Err(AppendError::TooLarge);
    }
    u32::try_from(record.len().max(QUEUE_BYTES_MAX / QUEUE_RECORDS_MAX)).map_err(|_| AppendError::TooLarge)
}

/// Most bytes of records that wait.
pub(crate) const QUEUE_BYTES_MAX: usize = 16 << 20;
/// Most records that wait.
pub(crate) const QUEUE_RECORDS_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: EventId = EventId([0; 16]);

    #[test]
    fn is_bounded_by_bytes_and_by_records() {
        for length in [1, RECORD_BYTES_MAX] {
            let shared = Shared::new(None);
            let mut waiting = Vec::new();
            let refusal = loop {
                match shared.try_push(ID, vec![1; length]) {
                    Ok(one) => waiting.push(one),
                    Err(error) => break error,
                }
            };
            assert_eq!(refusal, AppendError::Overloaded);
            assert_eq!(waiting.len(), if length == 1 { QUEUE_RECORDS_MAX } else { QUEUE_BYTES_MAX / length });
            let mut batch = VecDeque::new();
            assert!(shared.take(&mut batch));
            assert_eq!(shared.try_push(ID, vec![1]).unwrap_err(), AppendError::Overloaded, "room comes with release");
            shared.release(room_for(&batch[0].record).unwrap() as usize);
            assert!(shared.try_push(ID, vec![1]).is_ok());
        }
    }

    #[test]
    fn refuses_records_of_impossible_size() {
        let shared = Shared::new(None);
        assert_eq!(shared.try_push(ID, vec![]).unwrap_err(), AppendError::Empty);
        assert_eq!(shared.try_push(ID, vec![0; RECORD_BYTES_MAX + 1]).unwrap_err(), AppendError::TooLarge);
    }

    #[tokio::test]
    async fn waits_for_room_and_not_beyond_the_end() {
        let shared = std::sync::Arc::new(Shared::new(None));
        while shared.try_push(ID, vec![1; RECORD_BYTES_MAX]).is_ok() {}
        let late = |shared: std::sync::Arc<Shared>| async move { shared.push(ID, vec![1]).await.map(|_| ()) };
        let first = tokio::spawn(late(shared.clone()));
        tokio::task::yield_now().await;
        assert!(!first.is_finished());
        shared.release(RECORD_BYTES_MAX);
        assert_eq!(first.await.unwrap(), Ok(()));
        while shared.try_push(ID, vec![1]).is_ok() {}
        let second = tokio::spawn(late(shared.clone()));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        shared.end(AppendError::Closed);
        assert_eq!(second.await.unwrap(), Err(AppendError::Closed));
    }

    #[tokio::test]
    async fn failing_refuses_what_waits() {
        let shared = Shared::new(None);
        let waiting = shared.try_push(ID, vec![1]).unwrap();
        shared.fail(io::Error::other("a fault of the test"));
        assert_eq!(waiting.await.unwrap(), Err(AppendError::Failed));
        assert_eq!(shared.try_push(ID, vec![1]).unwrap_err(), AppendError::Failed);
        assert!(!shared.is_healthy());
        assert!(!shared.take(&mut VecDeque::new()));
    }
}
