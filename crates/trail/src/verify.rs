//! The offline verifier: reads every segment and names every place where the trail is not what was written.
//!
//! Not here: signatures of digests; repair of anything. While a writer is at work, its last group may look damaged.
//! Invariants: reads only; one damage yields few findings, not one for each record behind it; without findings, every
//! record from number 1 on is there, in its place and unchanged, up to the last one named, which an anchor confirms.

use std::{fmt, path::Path};

use crate::{
    Anchor, Break, BreakKind, ReadError,
    chain::{CHAIN_START, Link},
    diagnose::diagnose,
    directory::segment_numbers,
    position::Hex,
    segment::{Beginning, HEADER_BYTES, Header, RecordHead, segment_name},
    walk::{Step, Walk},
};

/// What the verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Segment files that have begun.
    pub segments: u64,
    /// Intact records.
    pub records: u64,
    /// The number of the first intact record; 1 in a trail without breaks.
    pub first_sequence: Option<u64>,
    /// The last intact record: kept elsewhere, it is the next anchor.
    pub last: Option<Anchor>,
    /// The breaks in the order of the trail. At [`BREAKS_MAX`] the verifier stops.
    pub breaks: Vec<Break>,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} intact records in {} segments", self.records, self.segments)?;
        match (self.first_sequence, self.last) {
            (Some(first), Some(last)) => {
                write!(f, ", from number {first} to {}\nlast hash {}", last.sequence, Hex(&last.hash))?;
            }
            _ => f.write_str(", the trail is empty")?,
        }
        for found in &self.breaks {
            write!(f, "\n{found}")?;
        }
        match self.breaks.len() {
            0 => f.write_str("\nthe trail is whole"),
            1 => f.write_str("\nTHE TRAIL IS BROKEN at 1 place"),
            BREAKS_MAX => write!(f, "\nTHE TRAIL IS BROKEN at {BREAKS_MAX} places; what follows was not looked at"),
            count => write!(f, "\nTHE TRAIL IS BROKEN at {count} places"),
        }
    }
}

/// Reads the whole trail. With an anchor it also finds a tail that was cut off and a history that was written anew.
///
/// # Errors
/// If a file cannot be read. Damage is no error; it is in the report.
pub fn verify(directory: &Path, anchor: Option<&Anchor>) -> Result<Report, ReadError> {
    let numbers = segment_numbers(directory)?;
    let mut verifier = Verifier::new(anchor);
    let mut expected = 1;
    let begun = numbers.len() - usize::from(ends_blank(directory, &numbers)?);
    for (place, number) in numbers.into_iter().enumerate().take(begun) {
        if number != expected {
            verifier.missing(expected, number);
        }
        verifier.segment(directory, number, place + 1 == begun)?;
        expected = number.saturating_add(1);
        if verifier.is_full() {
            return Ok(verifier.report);
        }
    }
    Ok(verifier.finish())
}

/// Whether the last segment is prepared and not begun.
fn ends_blank(directory: &Path, numbers: &[u64]) -> Result<bool, ReadError> {
    let Some(number) = numbers.last() else { return Ok(false) };
    let (mut walk, beginning) = Walk::open(directory, *number)?;
    Ok(beginning == Beginning::Blank && walk.window().first_nonzero(0)?.is_none())
}

struct Verifier<'a> {
    anchor: Option<&'a Anchor>,
    anchor_seen: bool,
    report: Report,
    /// The next record's number.
    next: u64,
    /// The hash before it.
    link: Link,
    /// Where the trail ends so far.
    end: (u64, u64),
}

impl<'a> Verifier<'a> {
    fn new(anchor: Option<&'a Anchor>) -> Self {
        let report = Report { segments: 0, records: 0, first_sequence: None, last: None, breaks: Vec::new() };
        Self { anchor, anchor_seen: false, report, next: 1, link: Link::Known(CHAIN_START), end: (1, 0) }
    }

    fn is_full(&self) -> bool {
        self.report.breaks.len() >= BREAKS_MAX
    }

    fn found(&mut self, place: Break) {
        if !self.is_full() {
            self.report.breaks.push(place);
        }
    }

    /// Segments are missing before this one: what it follows on is unknown.
    fn missing(&mut self, first: u64, number: u64) {
        self.found(Break::of_segment(first, BreakKind::SegmentMissing { count: number.saturating_sub(first) }));
        self.link = Link::Unknown;
    }

    fn segment(&mut self, directory: &Path, number: u64, last: bool) -> Result<(), ReadError> {
        let (mut walk, beginning) = Walk::open(directory, number)?;
        self.report.segments += 1;
        walk.go_to(HEADER_BYTES, self.next, self.link);
        let header = match beginning {
            Beginning::Begun(header) if header.number == number => Some(header),
            _ => None,
        };
        match &header {
            Some(header) => self.check_header(&mut walk, header),
            None => {
                self.found(Break::of_segment(number, BreakKind::SegmentHeader));
                self.guess_beginning(&mut walk)?;
            }
        }
        self.records(&mut walk, last)?;
        if let Some(header) = header {
            self.check_length(&mut walk, &header)?;
        }
        (self.next, self.link, self.end) = (walk.next, walk.link, (number, walk.offset));
        Ok(())
    }

    fn check_header(&mut self, walk: &mut Walk, header: &Header) {
        if self.link == Link::Unknown {
            return walk.begin(header);
        }
        if header.first_sequence != self.next {
            let place = Break { sequence: Some(self.next), ..Break::of_segment(header.number, BreakKind::Gap) };
            self.found(place);
            return walk.begin(header);
        }
        if !self.link.allows(&header.previous) {
            self.found(Break::of_segment(header.number, BreakKind::SegmentLink));
            // The records may follow on the one or on the other.
            if let Link::Known(hash) | Link::Either(hash, _) = self.link {
                walk.link = Link::Either(hash, header.previous);
            }
            return;
        }
        walk.begin(header);
    }

    /// Without a header and without a known end of the segment before, the first record tells its number.
    fn guess_beginning(&self, walk: &mut Walk) -> Result<(), ReadError> {
        if self.link == Link::Unknown
            && let Some(head) = walk.head_at(HEADER_BYTES)?.filter(|head| head.payload_len().is_some())
        {
            walk.next = head.sequence;
        }
        Ok(())
    }

    fn records(&mut self, walk: &mut Walk, last: bool) -> Result<(), ReadError> {
        let mut crash_possible = None;
        while !self.is_full() {
            let offset = walk.offset;
            if let Step::Record(head, _) = walk.step()? {
                self.record(walk.number, offset, &head);
                continue;
            }
            let Some(garbage) = walk.window().first_nonzero(offset)? else { break };
            // Damage behind damage that a crash explains is of the same crash.
            let possible = match crash_possible {
                Some(possible) => possible,
                None => last && !walk.crash_impossible()?,
            };
            crash_possible = Some(possible);
            self.damage(walk, garbage, possible)?;
        }
        Ok(())
    }

    fn record(&mut self, number: u64, offset: u64, head: &RecordHead) {
        let record = Anchor { sequence: head.sequence, hash: head.hash };
        self.report.records += 1;
        self.report.first_sequence.get_or_insert(head.sequence);
        self.report.last = Some(record);
        if let Some(anchor) = self.anchor.filter(|anchor| anchor.sequence == head.sequence) {
            self.anchor_seen = true;
            if anchor.hash != head.hash {
                let place = Break::of_segment(number, BreakKind::AnchorMismatch);
                self.found(Break { offset, sequence: Some(head.sequence), ..place });
            }
        }
    }

    fn damage(&mut self, walk: &mut Walk, garbage: u64, crash_possible: bool) -> Result<(), ReadError> {
        let mut place = walk.broken(BreakKind::Garbage);
        place.kind = diagnose(walk)?;
        place.crash_possible = crash_possible;
        if place.kind == BreakKind::Garbage {
            place.offset = garbage;
        }
        // The anchor's own record is damaged: that is found already.
        let damaged = place.sequence.unwrap_or(walk.next)..walk.next;
        self.anchor_seen |= self.anchor.is_some_and(|anchor| damaged.contains(&anchor.sequence));
        self.found(place);
        Ok(())
    }

    fn check_length(&mut self, walk: &mut Walk, header: &Header) -> Result<(), ReadError> {
        let length = walk.window().file_len()?;
        if length != header.capacity {
            let kind = if length < header.capacity { BreakKind::TailTruncated } else { BreakKind::Garbage };
            let place = Break::of_segment(header.number, kind);
            self.found(Break { offset: length.min(header.capacity), ..place });
        }
        Ok(())
    }

    /// The trail has to reach the anchor.
    fn finish(mut self) -> Report {
        let last = self.report.last.map_or(0, |last| last.sequence);
        if let Some(anchor) = self.anchor.filter(|_| !self.anchor_seen) {
            let behind = anchor.sequence > last;
            let kind = if behind { BreakKind::TailTruncated } else { BreakKind::AnchorMismatch };
            let sequence = Some(if behind { last.saturating_add(1) } else { anchor.sequence });
            let (number, offset) = self.end;
            let segment = segment_name(number);
            self.found(Break { segment, offset, sequence, kind, crash_possible: false });
        }
        self.report
    }
}

/// Most breaks that a report names.
pub const BREAKS_MAX: usize = 256;
