//! The errors of the trail: of opening, of appending, of reading.
//!
//! Not here: breaks found by the verifier, which are findings and no errors (`verify.rs`).
//! Invariant: no variant carries a record's content.

use std::{fmt, io, path::PathBuf};

use crate::Break;

/// Why a record was not appended. The record may nevertheless be in the trail after [`AppendError::Failed`]: what
/// is known is only that it was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendError {
    /// The trail was closed.
    Closed,
    /// The record has no bytes.
    Empty,
    /// Writing or syncing failed, now or earlier. Every later append fails too.
    Failed,
    /// The queue is full; returned by `append_nowait` only.
    Overloaded,
    /// The record has more than `RECORD_BYTES_MAX` bytes.
    TooLarge,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the audit trail is closed",
            Self::Empty => "an audit record has at least one byte",
            Self::Failed => "the audit trail cannot be written",
            Self::Overloaded => "the queue of the audit trail is full",
            Self::TooLarge => "the audit record is too large",
        })
    }
}

impl std::error::Error for AppendError {}

/// Why a trail was not opened.
#[derive(Debug)]
pub enum OpenError {
    /// The trail ends before the anchor.
    Behind {
        /// The sequence number of the anchor.
        anchor: u64,
        /// The last sequence number of the trail; 0 if it is empty.
        last: u64,
    },
    /// The trail is damaged at a place that a crash cannot explain.
    Broken(Box<Break>),
    /// The record at the anchor has another hash: history was rewritten, or the anchor is another trail's.
    Forked {
        /// The sequence number of the anchor.
        anchor: u64,
    },
    /// A file could not be read or written.
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another writer holds the trail.
    Locked,
    /// The segment size is not between `SEGMENT_BYTES_MIN` and `SEGMENT_BYTES_MAX`.
    SegmentBytes,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { anchor, last } => {
                write!(f, "the audit trail ends at record {last}, before record {anchor} that it is known to have held")
            }
            Self::Broken(place) => write!(f, "the audit trail is damaged: {place}"),
            Self::Forked { anchor } => write!(f, "record {anchor} of the audit trail is not the one that was written"),
            Self::Io { path, .. } => write!(f, "cannot use `{}`", path.display()),
            Self::Locked => f.write_str("another process writes this audit trail"),
            Self::SegmentBytes => f.write_str("the segment size of the audit trail is out of bounds"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Broken(place) => Self::Broken(place),
            ReadError::Io { path, source } => Self::Io { path, source },
        }
    }
}

/// Why a trail could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The chain is broken here; what follows is not read.
    Broken(Box<Break>),
    /// A file could not be read.
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(place) => write!(f, "the audit trail is damaged: {place}"),
            Self::Io { path, .. } => write!(f, "cannot read `{}`", path.display()),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Broken(_) => None,
        }
    }
}
