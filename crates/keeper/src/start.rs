//! From a fresh process to a serving keeper.
//!
//! Not here: the parent's side; the server starts this with one end of a socket pair as standard input.
//! Invariants: core dumps and tracing are off before the seal secret is read; every right that is not needed is gone
//! before the first byte from the server is read; nothing is written to standard error after that but a panic.

use std::{
    fmt,
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::Arc,
};

use nix::sys::signal::{SigSet, Signal};

use crate::{
    KeeperOptions,
    aead::AeadKey,
    error::Failed,
    harden::{self, HardenError, HardenReport},
    kdf::{self, Label},
    material::{KEY_BYTES, Material},
    phase::Keeper,
    seal::{self, SealSourceError},
    serve::{ServeError, serve},
    slow::{Connection, Slow},
};

/// Runs the keeper on standard input until the server closes it.
///
/// # Errors
/// If standard input is no socket, the seal secret cannot be had, a protection that must be there is refused by the
/// system, or the server breaks the protocol.
pub fn run(options: KeeperOptions) -> Result<(), KeeperStartError> {
    let mut report = harden::protect_memory()?;
    let stream = standard_input()?;
    let provider = seal::open_source(&options)?;
    // Not before: an interrupt may end a prompt that waits for a passphrase.
    hold_signals()?;
    warm_up()?;
    report.append(harden::restrict_files_and_network());
    // Between the two: Landlock holds for threads that come later, and after the filter no thread can come.
    let slow = start_workers()?;
    report.append(harden::filter_system_calls()?);
    announce(&report);
    serve(&Arc::new(Connection::new(stream)), Keeper::new(provider, options.insecure_fixed_material), &slow)?;
    Ok(())
}

/// Serves on a stream in this process without giving up any right: for tests of other crates, never for real keys.
///
/// # Errors
/// As [`run`].
pub fn insecure_serve(stream: UnixStream, options: KeeperOptions) -> Result<(), KeeperStartError> {
    let provider = seal::open_source(&options)?;
    let slow = start_workers()?;
    serve(&Arc::new(Connection::new(stream)), Keeper::new(provider, options.insecure_fixed_material), &slow)?;
    Ok(())
}

/// A stop that is meant for every process of a group must not take the keeper from a server that still answers. The
/// keeper ends when the server closes the socket, and with the server.
fn hold_signals() -> Result<(), KeeperStartError> {
    let signals: SigSet = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals.thread_block().map_err(|error| KeeperStartError::Signals(error.into()))
}

fn standard_input() -> Result<UnixStream, KeeperStartError> {
    let socket = || {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Fails unless it is a connected socket.
        stream.peer_addr()?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    };
    socket().map_err(KeeperStartError::StandardInput)
}

fn start_workers() -> Result<Slow, KeeperStartError> {
    Slow::start(|| warm_up().is_ok()).map_err(KeeperStartError::Workers)
}

/// Lets the cryptographic library open, map and measure what it wants while it still can.
fn warm_up() -> Result<(), KeeperStartError> {
    let warm = || {
        let key = Material::random(KEY_BYTES)?;
        let key = kdf::derive_key(key.expose(), Label::SymmetricCall, &[])?;
        AeadKey::new(&key)?.wrap(&[], &Material::copy_of(&[]))
    };
    warm().map(drop).map_err(|Failed| KeeperStartError::Cryptography)
}

/// One line per protection, for the operator.
fn announce(report: &HardenReport) {
    // A closed standard error is no reason not to serve.
    let _ = write!(io::stderr(), "{report}");
}

/// Why the keeper does not serve.
#[derive(Debug)]
pub enum KeeperStartError {
    /// The connection ended before the server closed it.
    Connection(ServeError),
    /// The cryptographic library does not work.
    Cryptography,
    /// A protection that must be there is refused by the system.
    Harden(HardenError),
    /// The seal secret cannot be had.
    Seal(SealSourceError),
    /// Signals cannot be held back.
    Signals(io::Error),
    /// Standard input is no connected socket.
    StandardInput(io::Error),
    /// The threads for slow work do not start.
    Workers(io::Error),
}

impl fmt::Display for KeeperStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "connection to the server: {error}"),
            Self::Cryptography => f.write_str("the cryptographic library does not work"),
            Self::Harden(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
            Self::Signals(error) => write!(f, "signals cannot be held back: {error}"),
            Self::StandardInput(error) => {
                write!(f, "standard input is no connected socket (the server starts the keeper): {error}")
            }
            Self::Workers(error) => write!(f, "threads for slow work: {error}"),
        }
    }
}

impl std::error::Error for KeeperStartError {}

impl From<HardenError> for KeeperStartError {
    fn from(error: HardenError) -> Self {
        Self::Harden(error)
    }
}

impl From<SealSourceError> for KeeperStartError {
    fn from(error: SealSourceError) -> Self {
        Self::Seal(error)
    }
}

impl From<ServeError> for KeeperStartError {
    fn from(error: ServeError) -> Self {
        Self::Connection(error)
    }
}
