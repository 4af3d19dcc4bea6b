//! A break: one place where the trail is not what was written.
//!
//! Not here: how breaks are found (`walk.rs`, `verify.rs`).
//! Invariant: a break names its place, and its text never shows a record's content.

use std::fmt;

use crate::segment::segment_name;

/// One place where the trail is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The segment file's name.
    pub segment: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The number of the record that should stand there, if that is known.
    pub sequence: Option<u64>,
    /// What is wrong.
    pub kind: BreakKind,
    /// Whether a crash while writing leaves such damage too: it lies in the last group. Opening the trail moves it
    /// aside. An anchor at or behind this record tells that it was no crash.
    pub crash_possible: bool,
}

impl Break {
    /// A break that concerns a whole segment.
    pub(crate) fn of_segment(number: u64, kind: BreakKind) -> Self {
        Self { segment: segment_name(number), offset: 0, sequence: None, kind, crash_possible: false }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, byte {}", self.segment, self.offset)?;
        if let Some(sequence) = self.sequence {
            write!(f, ", record {sequence}")?;
        }
        write!(f, ": {}", self.kind)?;
        if self.crash_possible {
            f.write_str(" (a crash while writing leaves this too)")?;
        }
        Ok(())
    }
}

/// The kinds of breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakKind {
    /// The record at the anchor has another hash.
    AnchorMismatch,
    /// A segment does not begin with the record after the last one of the segment before.
    Gap,
    /// Bytes stand where zeros belong.
    Garbage,
    /// The record's hash does not match: the record, its hash, or its length was changed.
    RecordHash,
    /// The record's length is not the one that was written; where the next record begins had to be searched.
    RecordLength,
    /// Records were taken out.
    RecordMissing {
        /// How many.
        count: u64,
    },
    /// The record's number is not the next one: it was changed, moved or put in.
    RecordSequence,
    /// The segment's header is not the one that was written.
    SegmentHeader,
    /// The segment's header does not follow on the last record of the segment before.
    SegmentLink,
    /// Segment files were removed, the named one first.
    SegmentMissing {
        /// How many.
        count: u64,
    },
    /// The trail ends before the anchor, or a file is shorter than its header says.
    TailTruncated,
}

impl fmt::Display for BreakKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnchorMismatch => f.write_str("the record is not the one that the anchor names"),
            Self::Gap => f.write_str("the segment does not begin with the next record"),
            Self::Garbage => f.write_str("bytes that belong to no record"),
            Self::RecordHash => f.write_str("the record does not match its hash"),
            Self::RecordLength => f.write_str("the record's length was changed"),
            Self::RecordMissing { count: 1 } => f.write_str("the record is missing"),
            Self::RecordMissing { count } => write!(f, "{count} records are missing"),
            Self::RecordSequence => f.write_str("the record's number is not the next one"),
            Self::SegmentHeader => f.write_str("the segment's header was changed"),
            Self::SegmentLink => f.write_str("the segment does not follow on the segment before"),
            Self::SegmentMissing { count: 1 } => f.write_str("the segment is missing"),
            Self::SegmentMissing { count } => write!(f, "{count} segments are missing from here on"),
            Self::TailTruncated => f.write_str("the end was cut off"),
        }
    }
}
