//! A bounded queue in front of threads that end with it.
//!
//! Not a pool for any work: the threads are the engine's own, so that nothing else can hold them up.
//! Invariants: at most `capacity` jobs wait, further senders wait asynchronously; dropping the queue ends its threads
//! after the jobs that were sent.

use std::{
    fmt, io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The sending end.
pub(super) struct Queue<T> {
    sender: Option<mpsc::Sender<Waiting<T>>>,
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

/// A job with its place in the queue, given back when the job is taken out.
pub(super) struct Waiting<T> {
    pub(super) job: T,
    _place: OwnedSemaphorePermit,
}

/// The threads have ended.
#[derive(Debug)]
pub(super) struct Stopped;

impl<T: Send + 'static> Queue<T> {
    /// A queue and its receiving end.
    pub(super) fn new(capacity: usize) -> (Self, mpsc::Receiver<Waiting<T>>) {
        let (sender, receiver) = mpsc::channel();
        (Self { sender: Some(sender), room: Arc::new(Semaphore::new(capacity)), threads: Vec::new() }, receiver)
    }

    /// Starts a thread that ends when the receiving end says so.
    pub(super) fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Waits for a place and sends a job.
    pub(super) async fn send(&self, job: T) -> Result<(), Stopped> {
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(|_| Stopped)?;
        let sender = self.sender.as_ref().ok_or(Stopped)?;
        sender.send(Waiting { job, _place: place }).map_err(|_| Stopped)
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            // A listener that drops the engine runs in the engine's thread, which cannot wait for itself. A thread's
            // panic has been reported already.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine's thread has ended")
    }
}

impl std::error::Error for Stopped {}
