//! Frames: bytes of a stream to messages and back.
//!
//! Not here: reading and writing the stream; each side brings its own, blocking or asynchronous.
//! Invariants: no frame is over [`FRAME_BYTES_MAX`], in either direction; consumed and written bytes are wiped; no
//! input makes the reader panic or hold more than one frame and one chunk.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::{FRAME_BYTES_MAX, buffer::WipedBuffer};

/// One frame: a `u32` length of what follows, the `u64` request id, both big-endian, and the body.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The id that ties an answer to its request.
    pub id: u64,
    /// The message, in postcard form.
    pub body: &'a [u8],
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {} of {} bytes", self.id, self.body.len())
    }
}

/// The bytes are no frame or no message; the connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The body is not exactly one message.
    Malformed,
    /// The frame is over [`FRAME_BYTES_MAX`].
    TooLarge,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed frame",
            Self::TooLarge => "frame over its limit",
        })
    }
}

impl std::error::Error for FrameError {}

/// Reads the message of a body.
///
/// # Errors
/// [`FrameError::Malformed`] if the body is anything but exactly one message.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Malformed),
    }
}

/// Collects bytes of a stream and gives out its frames.
#[derive(Debug)]
pub struct FrameReader {
    buffer: WipedBuffer,
    start: usize,
    end: usize,
}

impl FrameReader {
    /// An empty reader.
    #[must_use]
    pub fn new() -> Self {
        let mut buffer = WipedBuffer::with_capacity(CHUNK_BYTES);
        buffer.resize(CHUNK_BYTES);
        Self { buffer, start: 0, end: 0 }
    }

    /// Where the next bytes of the stream go. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.compact();
        if self.end == self.buffer.len() {
            // Full of one unfinished frame; `next` has checked that its length is within the limit.
            self.buffer.resize((self.buffer.len() * 2).min(LENGTH_BYTES + FRAME_BYTES_MAX + CHUNK_BYTES));
        }
        self.buffer.as_mut_slice().get_mut(self.end..).unwrap_or_default()
    }

    /// Says that so many bytes of [`FrameReader::space`] were filled.
    pub fn advance(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
    }

    /// The next complete frame, if there is one. Ask until there is none before reading more.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] as soon as a length over the limit is seen, [`FrameError::Malformed`] if a length
    /// leaves no room for the id.
    #[expect(clippy::should_implement_trait, reason = "the frame borrows from the reader, which no iterator allows")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let bytes = self.buffer.as_slice().get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| FrameError::TooLarge)?;
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        if length < ID_BYTES {
            return Err(FrameError::Malformed);
        }
        let Some((id, body)) = rest.get(..length).and_then(|frame| frame.split_first_chunk::<ID_BYTES>()) else {
            return Ok(None);
        };
        self.start += LENGTH_BYTES + length;
        Ok(Some(Frame { id: u64::from_be_bytes(*id), body }))
    }

    /// Moves what is left to the front and wipes what was consumed.
    fn compact(&mut self) {
        if self.start == 0 {
            return;
        }
        let bytes = self.buffer.as_mut_slice();
        let left = self.end - self.start;
        bytes.copy_within(self.start..self.end, 0);
        if let Some(consumed) = bytes.get_mut(left..self.end) {
            consumed.zeroize();
        }
        (self.start, self.end) = (0, left);
        if left <= CHUNK_BYTES / 2 && self.buffer.len() > CHUNK_BYTES {
            let mut smaller = Self::new();
            if let (Some(to), Some(from)) = (smaller.space().get_mut(..left), self.buffer.as_slice().get(..left)) {
                to.copy_from_slice(from);
            }
            smaller.advance(left);
            *self = smaller;
        }
    }
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

/// Collects frames that go out in one write.
#[derive(Debug)]
pub struct FrameWriter {
    buffer: WipedBuffer,
}

impl FrameWriter {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: WipedBuffer::with_capacity(CHUNK_BYTES) }
    }

    /// Appends one message.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] if the frame is over its limit; nothing was appended then.
    pub fn push(&mut self, id: u64, message: &impl Serialize) -> Result<(), FrameError> {
        let start = self.buffer.len();
        self.buffer.extend(&[0; LENGTH_BYTES]);
        self.buffer.extend(&id.to_be_bytes());
        let encoded = postcard::serialize_with_flavor(message, &mut self.buffer);
        let length = self.buffer.len() - start - LENGTH_BYTES;
        if encoded.is_err() || length > FRAME_BYTES_MAX {
            self.buffer.resize(start);
            return Err(FrameError::TooLarge);
        }
        self.patch(start, &u32::try_from(length).map_err(|_| FrameError::TooLarge)?.to_be_bytes());
        Ok(())
    }

    /// Appends the frames of another writer that holds exactly one, under another id.
    pub(crate) fn append(&mut self, id: u64, one: &Self) {
        let start = self.buffer.len();
        self.buffer.extend(one.buffer.as_slice());
        self.patch(start + LENGTH_BYTES, &id.to_be_bytes());
    }

    /// A writer that holds one frame, small unless it has to grow.
    pub(crate) fn of(message: &impl Serialize) -> Result<Self, FrameError> {
        let mut writer = Self { buffer: WipedBuffer::with_capacity(MESSAGE_BYTES) };
        writer.push(0, message)?;
        Ok(writer)
    }

    /// The bytes to write.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    /// Whether enough is collected to write it before more is appended.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.buffer.len() >= WRITE_BYTES
    }

    /// Forgets and wipes what was written.
    pub fn clear(&mut self) {
        if self.buffer.len() > WRITE_BYTES {
            *self = Self::new();
        } else {
            self.buffer.resize(0);
        }
    }

    fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(slot) = self.buffer.as_mut_slice().get_mut(at..at + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    }
}

impl Default for FrameWriter {
    fn default() -> Self {
        Self::new()
    }
}

const LENGTH_BYTES: usize = 4;
const ID_BYTES: usize = 8;
/// How much is read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// How much is collected before a write.
const WRITE_BYTES: usize = 256 << 10;
/// Room for a common message without growing.
const MESSAGE_BYTES: usize = 512;

#[cfg(test)]
mod tests;
