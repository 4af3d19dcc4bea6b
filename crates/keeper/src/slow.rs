//! Slow work, on threads of its own: it never waits in front of a microsecond's work.
//!
//! Not here: what the work is; a worker runs the same operations on the same vault as the serving thread.
//! Invariants: both queues are bounded, and what does not fit is refused at once; generating an RSA key, which takes
//! the better part of a second, holds up one worker at most; a worker that is told to run something answers it, also if
//! it panics; when this value is dropped, no worker is left.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write as _},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use kanuki_keeper_protocol::{Frame, FrameWriter, Reason, Request, Response, decode};
use kanuki_types::KeySpec;
use zeroize::Zeroizing;

use crate::{
    error::OpError,
    keys::{Family, family},
    ops, serve,
    vault::{Vault, lock},
};

/// The stream to the server, written to by several threads.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    writing: Mutex<()>,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, writing: Mutex::new(()) }
    }

    /// The stream, for the one thread that reads.
    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Writes whole frames and wipes them.
    pub(crate) fn send(&self, out: &mut FrameWriter) -> io::Result<()> {
        if out.as_bytes().is_empty() {
            return Ok(());
        }
        let written = {
            let _writing = lock(&self.writing);
            (&self.stream).write_all(out.as_bytes())
        };
        out.clear();
        written
    }
}

/// The queues of slow work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Makes an RSA key: up to about a second.
    Generation,
    /// Uses or makes any other dear key: up to some milliseconds.
    Operation,
}

/// The queue of a message; none if it is quick.
pub(crate) fn lane(request: &Request<'_>) -> Option<Lane> {
    let by_spec = |spec| is_dear(spec).then_some(Lane::Operation);
    match request {
        Request::CreateMaterial { key } if family(key.spec) == Some(Family::Rsa) => Some(Lane::Generation),
        Request::CreateMaterial { key } | Request::InsecureSealMaterial { key, .. } => by_spec(key.spec),
        Request::GenerateDataKeyPair { spec, .. } => {
            let spec = KeySpec::from_wire(spec.as_str())?;
            if family(spec) == Some(Family::Rsa) { Some(Lane::Generation) } else { by_spec(spec) }
        }
        Request::ImportParameters { .. } => Some(Lane::Generation),
        Request::ImportMaterial { .. } => Some(Lane::Operation),
        Request::PublicKey { material }
        | Request::Sign { material, .. }
        | Request::Verify { material, .. }
        | Request::AsymmetricEncrypt { material, .. }
        | Request::AsymmetricDecrypt { material, .. }
        | Request::DeriveSharedSecret { material, .. }
        | Request::Encapsulate { material }
        | Request::Decapsulate { material, .. } => by_spec(material.place.spec),
        Request::ReEncrypt { source, destination, .. } => {
            by_spec(source.place.spec).or_else(|| by_spec(destination.place.spec))
        }
        Request::ForRecipient { job, .. } => lane(&job.request()).or(Some(Lane::Operation)),
        Request::VerifyAttestation { .. } => Some(Lane::Operation),
        _ => None,
    }
}

/// Whether parsing or using a key of a spec takes longer than handing it to another thread by far.
fn is_dear(spec: KeySpec) -> bool {
    match family(spec) {
        Some(Family::Rsa | Family::MlDsa | Family::MlKem) => true,
        Some(Family::Ec) => spec != KeySpec::EccNistP256,
        Some(Family::Ed25519) | None => false,
    }
}

/// A message that a worker will answer.
pub(crate) struct Job {
    id: u64,
    /// Wiped: it may carry a plaintext.
    body: Zeroizing<Vec<u8>>,
    vault: Arc<Vault>,
    connection: Arc<Connection>,
}

impl Job {
    /// Keeps a message for later.
    pub(crate) fn new(frame: Frame<'_>, vault: &Arc<Vault>, connection: &Arc<Connection>) -> Result<Self, Reason> {
        if frame.body.len() > BODY_BYTES_MAX {
            return Err(Reason::TooLarge);
        }
        let body = Zeroizing::new(frame.body.to_vec());
        Ok(Self { id: frame.id, body, vault: Arc::clone(vault), connection: Arc::clone(connection) })
    }

    fn run(self) {
        let answered = catch_unwind(AssertUnwindSafe(|| match decode::<Request<'_>>(&self.body) {
            Ok(request) => ops::answer(&request, &self.vault),
            // Cannot be: it was decoded before.
            Err(_) => Err(OpError::Refused(Reason::BadRequest)),
        }));
        let response = match answered {
            Ok(answered) => answered.unwrap_or_else(Response::from),
            Err(_) => Response::Failed,
        };
        let mut out = FrameWriter::new();
        if serve::push(&mut out, self.id, &response).is_ok() {
            // A stream that takes no more is closed; the serving thread sees it too and ends.
            let _ = self.connection.send(&mut out);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.id)
    }
}

/// The workers and their queues.
#[derive(Debug)]
pub(crate) struct Slow {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queues: Mutex<Queues>,
    /// Something waits, or it is time to end.
    work: Condvar,
    /// A job is done.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Queues {
    generations: VecDeque<Job>,
    operations: VecDeque<Job>,
    running: usize,
    closing: bool,
}

impl Queues {
    /// The next job for a worker. One of the two never generates, so that operations go on meanwhile.
    fn next(&mut self, generates: bool) -> Option<Job> {
        let generation = if generates { self.generations.pop_front() } else { None };
        generation.or_else(|| self.operations.pop_front())
    }
}

impl Slow {
    /// Starts the workers and waits until each has done what it needs the system for. No worker does so later.
    ///
    /// # Errors
    /// If a thread does not start or cannot be made ready.
    pub(crate) fn start(warm_up: fn() -> bool) -> io::Result<Self> {
        let mut slow = Self { shared: Arc::default(), workers: Vec::new() };
        let (ready, is_ready) = mpsc::channel();
        for number in 0..WORKERS {
            let (shared, ready) = (Arc::clone(&slow.shared), ready.clone());
            let run = move || {
                // Nobody listens any more if another worker failed.
                let _ = ready.send(warm_up());
                drop(ready);
                shared.work(number == 0);
            };
            slow.workers.push(thread::Builder::new().name(format!("slow-{number}")).spawn(run)?);
        }
        drop(ready);
        let all_ready = is_ready.iter().take(WORKERS).filter(|ready| *ready).count() == WORKERS;
        if all_ready { Ok(slow) } else { Err(io::Error::other("the cryptographic library does not work")) }
    }

    /// Takes a job, or says why not.
    pub(crate) fn take(&self, lane: Lane, job: Job) -> Result<(), Reason> {
        let mut queues = lock(&self.shared.queues);
        let (queue, length_max) = match lane {
            Lane::Generation => (&mut queues.generations, GENERATIONS_LEN_MAX),
            Lane::Operation => (&mut queues.operations, OPERATIONS_LEN_MAX),
        };
        if queue.len() >= length_max {
            return Err(Reason::Busy);
        }
        queue.push_back(job);
        drop(queues);
        // All of them: the one that is woken might be the one that does not generate.
        self.shared.work.notify_all();
        Ok(())
    }

    /// Returns when everything that was taken is answered and no worker holds a vault.
    pub(crate) fn wait_until_idle(&self) {
        let busy =
            |queues: &mut Queues| queues.running > 0 || !queues.operations.is_empty() || !queues.generations.is_empty();
        let queues = lock(&self.shared.queues);
        drop(self.shared.done.wait_while(queues, busy).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    /// Runs jobs until there will be no more.
    fn work(&self, generates: bool) {
        let mut queues = lock(&self.queues);
        while !queues.closing {
            let Some(job) = queues.next(generates) else {
                queues = self.work.wait(queues).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            queues.running += 1;
            drop(queues);
            job.run();
            queues = lock(&self.queues);
            queues.running -= 1;
            self.done.notify_all();
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        {
            let mut queues = lock(&self.shared.queues);
            queues.closing = true;
            // Nobody is there to be answered.
            queues.generations.clear();
            queues.operations.clear();
        }
        self.shared.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has ended, which is all that is asked of it.
            let _ = worker.join();
        }
    }
}

const WORKERS: usize = 2;
/// RSA keys that wait to be made: at a second each, the last is done long before its caller gives up.
const GENERATIONS_LEN_MAX: usize = 32;
/// Other jobs that wait: at the dearest, RSA of 4096 bits, a few seconds of one worker.
const OPERATIONS_LEN_MAX: usize = 1024;
/// Longest message that waits: the longest fields of any, and its two sealed keys.
const BODY_BYTES_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests;
