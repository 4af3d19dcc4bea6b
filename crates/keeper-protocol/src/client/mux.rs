//! Many calls over one stream: ids, one writer task, one reader task.
//!
//! Not here: what the messages mean.
//! Invariants: one write carries everything that waits at its moment; one read answers everything that it completes;
//! the queue is bounded; an unanswered call lives at most about [`CALL_TICKS_MAX`] ticks, then the connection is given
//! up; when it ends, nobody waits on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};

use crate::{FrameReader, FrameWriter, KeeperError, Reason, Request, Response, decode};

/// The shared end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Mux {
    queue: mpsc::Sender<Call>,
}

impl Mux {
    /// Starts the tasks.
    pub(super) fn start(stream: UnixStream) -> Self {
        let (queue, calls) = mpsc::channel(QUEUE_LEN_MAX);
        let (reading, writing) = stream.into_split();
        let pending = Arc::new(Mutex::new(Pending::default()));
        // Dropped by the reader when it ends; that ends the writer.
        let (open, closed) = oneshot::channel();
        tokio::spawn(write(writing, calls, Arc::clone(&pending), closed));
        tokio::spawn(async move {
            read(reading, &pending).await;
            lock(&pending).close();
            drop(open);
        });
        Self { queue }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call(&self, request: &Request<'_>) -> Result<Response, KeeperError> {
        let frame = FrameWriter::of(request).map_err(|_| KeeperError::Refused(Reason::TooLarge))?;
        let (reply, answer) = oneshot::channel();
        self.queue.send(Call { frame, reply }).await.map_err(|_| KeeperError::Gone)?;
        answer.await.map_err(|_| KeeperError::Gone)
    }
}

/// A call on its way to the writer.
#[derive(Debug)]
struct Call {
    frame: FrameWriter,
    reply: oneshot::Sender<Response>,
}

/// The calls that wait for an answer.
#[derive(Debug, Default)]
struct Pending {
    waiting: HashMap<u64, Waiting>,
    next_id: u64,
    tick: u64,
    /// How many calls the last read answered.
    answered_at_once: usize,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    reply: oneshot::Sender<Response>,
    since_tick: u64,
}

impl Pending {
    /// The id under which the answer will come; none if the connection has ended.
    fn register(&mut self, reply: oneshot::Sender<Response>) -> Option<u64> {
        if self.closed {
            return None;
        }
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.waiting.insert(id, Waiting { reply, since_tick: self.tick });
        Some(id)
    }

    /// Hands an answer over; false if nobody asked under that id.
    fn resolve(&mut self, id: u64, response: Response) -> bool {
        let waiting = self.waiting.remove(&id);
        // The caller may have gone away; its answer, secrets included, is dropped and wiped here.
        waiting.is_some_and(|waiting| {
            let _ = waiting.reply.send(response);
            true
        })
    }

    /// Whether there are callers beside the one that asks now.
    fn is_busy(&self) -> bool {
        self.answered_at_once > 1 || !self.waiting.is_empty()
    }

    /// One more tick has passed; true if a call has waited too long.
    fn tick(&mut self) -> bool {
        self.tick += 1;
        self.waiting.values().any(|waiting| self.tick - waiting.since_tick > CALL_TICKS_MAX)
    }

    fn close(&mut self) {
        self.closed = true;
        self.waiting.clear();
    }
}

async fn write(
    mut stream: OwnedWriteHalf,
    mut calls: mpsc::Receiver<Call>,
    pending: Arc<Mutex<Pending>>,
    mut closed: oneshot::Receiver<()>,
) {
    let mut batch = Vec::with_capacity(BATCH_LEN_MAX);
    let mut out = FrameWriter::new();
    loop {
        let count = tokio::select! {
            count = calls.recv_many(&mut batch, BATCH_LEN_MAX) => count,
            _ = &mut closed => 0,
        };
        if count == 0 {
            break;
        }
        if lock(&pending).is_busy() {
            // Callers that one read has just answered are about to ask again: let them, and write once for all.
            tokio::task::yield_now().await;
        }
        while batch.len() < BATCH_LEN_MAX
            && let Ok(call) = calls.try_recv()
        {
            batch.push(call);
        }
        for call in batch.drain(..).filter(|call| !call.reply.is_closed()) {
            let Some(id) = lock(&pending).register(call.reply) else { return };
            out.append(id, &call.frame);
            if out.is_full() && flush(&mut stream, &mut out).await.is_err() {
                return lock(&pending).close();
            }
        }
        if flush(&mut stream, &mut out).await.is_err() {
            return lock(&pending).close();
        }
    }
}

async fn flush(stream: &mut OwnedWriteHalf, out: &mut FrameWriter) -> std::io::Result<()> {
    let written = stream.write_all(out.as_bytes()).await;
    out.clear();
    written
}

/// Returns when the connection is of no more use.
async fn read(mut stream: OwnedReadHalf, pending: &Mutex<Pending>) {
    let mut reader = FrameReader::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let read = tokio::select! {
            read = stream.read(reader.space()) => read,
            _ = ticks.tick() => {
                if lock(pending).tick() {
                    return;
                }
                continue;
            }
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => reader.advance(count),
        }
        if resolve_all(&mut reader, pending).is_none() {
            return;
        }
    }
}

/// Answers everything that is complete; none if the keeper breaks the protocol.
fn resolve_all(reader: &mut FrameReader, pending: &Mutex<Pending>) -> Option<()> {
    let mut pending = lock(pending);
    pending.answered_at_once = 0;
    while let Some(frame) = reader.next().ok()? {
        if !pending.resolve(frame.id, decode(frame.body).ok()?) {
            return None;
        }
        pending.answered_at_once += 1;
    }
    Some(())
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    // Nothing panics while it holds the lock; were it so, the map would still be whole.
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls that wait for the writer; more of them wait for room.
const QUEUE_LEN_MAX: usize = 1024;
/// Calls that the writer takes at once.
const BATCH_LEN_MAX: usize = 128;
/// How often waiting calls are looked at.
const TICK: Duration = Duration::from_secs(5);
/// How many ticks a call may wait. The slowest, a passphrase at its dearest, takes seconds.
const CALL_TICKS_MAX: u64 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_too_long_is_noticed() {
        let mut pending = Pending::default();
        let (reply, _answer) = oneshot::channel();
        pending.register(reply).unwrap();
        assert!((0..CALL_TICKS_MAX).all(|_| !pending.tick()));
        assert!(pending.tick());
    }

    #[test]
    fn closed_takes_no_more_and_frees_everyone() {
        let mut pending = Pending::default();
        let (reply, mut answer) = oneshot::channel();
        pending.register(reply).unwrap();
        pending.close();
        assert!(answer.try_recv().is_err());
        assert_eq!(pending.register(oneshot::channel().0), None);
        assert!(pending.waiting.is_empty());
    }
}
