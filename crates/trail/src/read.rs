//! The reader: walks the trail from a chosen place, checks the chain on its way, and follows a writer.
//!
//! Not here: the check of the whole history (`verify.rs`): what lies before the first segment that is read is taken
//! from that segment's header.
//! Invariants: a record is handed out only if its hash follows; a record that is being written is not there yet;
//! reading changes nothing. A record may be seen before it is durable.

use std::path::{Path, PathBuf};

use crate::{
    Break, BreakKind, EventId, Position, ReadError,
    chain::CHAIN_START,
    directory::segment_numbers,
    segment::{Beginning, Header, segment_name},
    walk::{Step, Walk},
};

/// A record: its position, the event's id, its bytes.
pub type Entry = (Position, EventId, Vec<u8>);

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// With the last records, that many; 0 hands out only records that are still to come.
    Last(u64),
    /// With the record of that number, also if it is still to come.
    Sequence(u64),
    /// With the first record.
    Start,
}

/// Opens a trail for reading, also while it is written.
///
/// # Errors
/// If a file cannot be read, or if the segment to begin with is missing.
pub fn read(directory: &Path, from: ReadFrom) -> Result<Reader, ReadError> {
    let from = match from {
        ReadFrom::Start => 1,
        ReadFrom::Sequence(sequence) => sequence.max(1),
        ReadFrom::Last(count) => (last_sequence(directory)? + 1).saturating_sub(count).max(1),
    };
    let number = segment_of(directory, from)?.unwrap_or(1);
    Ok(Reader { directory: directory.into(), number, walk: None, from, broken: false })
}

/// Reads records one after the other.
///
/// As an iterator it ends at the present end of the trail and can be asked again later; after an error it has ended.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    /// The segment to begin with.
    number: u64,
    walk: Option<Walk>,
    from: u64,
    broken: bool,
}

impl Reader {
    /// The next record; none at the present end, and then it can be asked again. Follows into new segments.
    ///
    /// # Errors
    /// If a file cannot be read, or if the chain is broken at a place where the writer is no longer at work.
    pub fn poll_next(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let Some(walk) = &mut self.walk else {
                if !self.enter_first()? {
                    return Ok(None);
                }
                continue;
            };
            let mut took = take(walk, self.from)?;
            let mut next = None;
            if let Took::Nothing { damaged } = took {
                // First whether the writer is done with this place, then what stands there: not the other way round.
                next = begun(&self.directory, walk.number + 1)?;
                let settled = next.is_some() || (damaged && walk.crash_impossible()?);
                walk.refresh();
                took = take(walk, self.from)?;
                if settled && matches!(took, Took::Nothing { damaged: true }) {
                    return Err(ReadError::Broken(Box::new(walk.broken(BreakKind::RecordHash))));
                }
            }
            match (took, next) {
                (Took::Entry(entry), _) => return Ok(Some(entry)),
                (Took::Skipped, _) => {}
                (Took::Nothing { .. }, Some((next, header))) => self.enter(next, &header)?,
                (Took::Nothing { .. }, None) => return Ok(None),
            }
        }
    }

    /// The error for records that should stand at the present place and do not.
    pub(crate) fn broken(&self) -> ReadError {
        let place = match &self.walk {
            Some(walk) => walk.broken(BreakKind::TailTruncated),
            None => Break::of_segment(self.number, BreakKind::SegmentMissing { count: 1 }),
        };
        ReadError::Broken(Box::new(place))
    }

    /// Enters the segment to begin with; false if there is none yet.
    fn enter_first(&mut self) -> Result<bool, ReadError> {
        let Some((mut walk, header)) = begun(&self.directory, self.number)? else { return Ok(false) };
        if self.number == 1 && (header.first_sequence, header.previous) != (1, CHAIN_START) {
            return Err(ReadError::Broken(Box::new(Break::of_segment(1, BreakKind::Gap))));
        }
        walk.begin(&header);
        self.walk = Some(walk);
        Ok(true)
    }

    /// Goes on into the next segment, which has to follow on the last record of this one.
    fn enter(&mut self, mut next: Walk, header: &Header) -> Result<(), ReadError> {
        if let Some(walk) = &self.walk {
            let kind = match (walk.next == header.first_sequence, walk.link.allows(&header.previous)) {
                (true, true) => None,
                (true, false) => Some(BreakKind::SegmentLink),
                (false, _) => Some(BreakKind::Gap),
            };
            if let Some(kind) = kind {
                return Err(ReadError::Broken(Box::new(Break::of_segment(next.number, kind))));
            }
        }
        next.begin(header);
        self.walk = Some(next);
        Ok(())
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let item = self.poll_next().transpose();
        self.broken = matches!(item, Some(Err(_)));
        item
    }
}

enum Took {
    Entry(Entry),
    Nothing {
        damaged: bool,
    },
    /// A record before the one to begin with.
    Skipped,
}

fn take(walk: &mut Walk, from: u64) -> Result<Took, ReadError> {
    Ok(match walk.step()? {
        Step::Damaged => Took::Nothing { damaged: true },
        Step::End => Took::Nothing { damaged: false },
        Step::Record(head, _) if head.sequence < from => Took::Skipped,
        Step::Record(head, payload) => {
            Took::Entry((Position { sequence: head.sequence, hash: head.hash }, head.event_id, payload.to_vec()))
        }
    })
}

/// A segment that has begun; none if it has not, which is an error if a later one is there.
fn begun(directory: &Path, number: u64) -> Result<Option<(Walk, Header)>, ReadError> {
    if let Some(found) = try_begun(directory, number)? {
        return Ok(Some(found));
    }
    if segment_numbers(directory)?.last().is_none_or(|last| *last <= number) {
        return Ok(None);
    }
    // The writer may have begun this one and prepared the next in between.
    if let Some(found) = try_begun(directory, number)? {
        return Ok(Some(found));
    }
    let there = directory.join(segment_name(number)).exists();
    let kind = if there { BreakKind::SegmentHeader } else { BreakKind::SegmentMissing { count: 1 } };
    Err(ReadError::Broken(Box::new(Break::of_segment(number, kind))))
}

fn try_begun(directory: &Path, number: u64) -> Result<Option<(Walk, Header)>, ReadError> {
    match Walk::open(directory, number) {
        Ok((walk, Beginning::Begun(header))) if header.number == number => Ok(Some((walk, header))),
        Ok(_) => Ok(None),
        Err(ReadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The last segment that has begun with this record or an earlier one.
fn segment_of(directory: &Path, sequence: u64) -> Result<Option<u64>, ReadError> {
    for number in segment_numbers(directory)?.into_iter().rev() {
        if let Some((_, header)) = try_begun(directory, number)?
            && header.first_sequence <= sequence
        {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The last record that stands in the trail at present; 0 if there is none.
fn last_sequence(directory: &Path) -> Result<u64, ReadError> {
    let Some(number) = segment_of(directory, u64::MAX)? else { return Ok(0) };
    let Some((mut walk, header)) = try_begun(directory, number)? else { return Ok(0) };
    walk.begin(&header);
    while let Step::Record(..) = walk.step()? {}
    Ok(walk.next.saturating_sub(1))
}
