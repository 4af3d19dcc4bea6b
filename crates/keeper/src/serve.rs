//! The connection: frames in, frames out, until the server closes it.
//!
//! Not here: what messages mean. One thread, blocking: there is one peer, and every job of the specs that exist takes
//! microseconds.
//! Invariants: the first message is the greeting, and it comes once; answers go out in one write per read, in the order
//! of their requests; anything that is no frame or no message ends the connection.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use kanuki_keeper_protocol::{
    FrameError, FrameReader, FrameWriter, PROTOCOL_VERSION, Reason, Request, Response, decode,
};

use crate::phase::Keeper;

/// Answers until the server closes the connection.
pub(crate) fn serve(mut stream: &UnixStream, mut keeper: Keeper) -> Result<(), ServeError> {
    let mut reader = FrameReader::new();
    let mut out = FrameWriter::new();
    let mut greeted = false;
    loop {
        match stream.read(reader.space()) {
            Ok(0) => return Ok(()),
            Ok(count) => reader.advance(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        while let Some(frame) = reader.next()? {
            let response = match decode(frame.body)? {
                Request::Hello { version } if !greeted => {
                    greet(stream, &mut out, frame.id, version)?;
                    greeted = true;
                    continue;
                }
                Request::Hello { .. } => return Err(ServeError::Greeting),
                _ if !greeted => return Err(ServeError::Greeting),
                request => keeper.answer(&request),
            };
            // An answer that is too long was not appended; the refusal takes its place.
            if out.push(frame.id, &response).is_err() {
                out.push(frame.id, &Response::Refused(Reason::TooLarge))?;
            }
            if out.is_full() {
                flush(stream, &mut out)?;
            }
        }
        flush(stream, &mut out)?;
    }
}

/// Answers the greeting with the own version, also to a server of another one: so both can say what is wrong.
fn greet(stream: &UnixStream, out: &mut FrameWriter, id: u64, version: u16) -> Result<(), ServeError> {
    out.push(id, &Response::Hello { version: PROTOCOL_VERSION })?;
    flush(stream, out)?;
    if version == PROTOCOL_VERSION { Ok(()) } else { Err(ServeError::Version { server: version }) }
}

fn flush(mut stream: &UnixStream, out: &mut FrameWriter) -> io::Result<()> {
    if out.as_bytes().is_empty() {
        return Ok(());
    }
    let written = stream.write_all(out.as_bytes());
    out.clear();
    written
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
