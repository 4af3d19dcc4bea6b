//! The connection: frames in, frames out, until the server closes it.
//!
//! Not here: what messages mean, and which of them are slow (`slow.rs`). One blocking thread reads and answers what
//! takes microseconds; slow work is answered by its worker.
//! Invariants: the first message is the greeting, and it comes once; quick answers go out in one write per read, in the
//! order of their requests; no two writes mix; anything that is no frame or no message ends the connection.

use std::{
    fmt,
    io::{self, Read as _},
    sync::Arc,
};

use kanuki_keeper_protocol::{
    Frame, FrameError, FrameReader, FrameWriter, PROTOCOL_VERSION, Reason, Request, Response, decode,
};

use crate::{
    phase::Keeper,
    slow::{Connection, Job, Slow, lane},
};

/// Answers until the server closes the connection.
pub(crate) fn serve(connection: &Arc<Connection>, mut keeper: Keeper, slow: &Slow) -> Result<(), ServeError> {
    let mut reader = FrameReader::new();
    let mut out = FrameWriter::new();
    let mut greeted = false;
    loop {
        match connection.stream().read(reader.space()) {
            Ok(0) => return Ok(()),
            Ok(count) => reader.advance(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        while let Some(frame) = reader.next()? {
            let response = match decode(frame.body)? {
                Request::Hello { version } if !greeted => {
                    greet(connection, &mut out, frame.id, version)?;
                    greeted = true;
                    continue;
                }
                Request::Hello { .. } => return Err(ServeError::Greeting),
                _ if !greeted => return Err(ServeError::Greeting),
                Request::Drain => {
                    // What was asked before is answered, and no worker holds a key afterwards.
                    connection.send(&mut out)?;
                    slow.wait_until_idle();
                    Some(keeper.answer(&Request::Drain))
                }
                request => answer(connection, &mut keeper, slow, frame, &request),
            };
            if let Some(response) = response {
                push(&mut out, frame.id, &response)?;
            }
            if out.is_full() {
                connection.send(&mut out)?;
            }
        }
        connection.send(&mut out)?;
    }
}

/// The answer to one message; none if a worker will send it.
fn answer(
    connection: &Arc<Connection>,
    keeper: &mut Keeper,
    slow: &Slow,
    frame: Frame<'_>,
    request: &Request<'_>,
) -> Option<Response> {
    // In every other phase the refusal is quick.
    let (Some(lane), Some(vault)) = (lane(request), keeper.vault()) else { return Some(keeper.answer(request)) };
    let taken = Job::new(frame, vault, connection).and_then(|job| slow.take(lane, job));
    taken.err().map(Response::Refused)
}

/// Appends an answer, or the refusal that takes the place of one that is too long.
pub(crate) fn push(out: &mut FrameWriter, id: u64, response: &Response) -> Result<(), FrameError> {
    out.push(id, response).or_else(|_| out.push(id, &Response::Refused(Reason::TooLarge)))
}

/// Answers the greeting with the own version, also to a server of another one: so both can say what is wrong.
fn greet(connection: &Connection, out: &mut FrameWriter, id: u64, version: u16) -> Result<(), ServeError> {
    out.push(id, &Response::Hello { version: PROTOCOL_VERSION })?;
    connection.send(out)?;
    if version == PROTOCOL_VERSION { Ok(()) } else { Err(ServeError::Version { server: version }) }
}

/// Why the connection ended before the server closed it.
#[derive(Debug)]
pub enum ServeError {
    /// Something that is no frame or no message.
    Frame(FrameError),
    /// No greeting, or a second one.
    Greeting,
    /// The stream failed.
    Io(io::Error),
    /// The server speaks another version.
    Version {
        /// The server's version.
        server: u16,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Greeting => f.write_str("greeting missing or repeated"),
            Self::Io(error) => error.fmt(f),
            Self::Version { server } => {
                write!(f, "the server speaks protocol version {server}, the keeper {PROTOCOL_VERSION}")
            }
        }
    }
}

impl std::error::Error for ServeError {}

impl From<FrameError> for ServeError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
