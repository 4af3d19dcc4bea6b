//! The walk through one segment: record after record, each checked against the chain.
//!
//! Opening, reading and verifying walk alike; they differ in what they do about damage.
//! Not here: what to do about damage; more than one segment.
//! Invariants: a record is handed out only if its number is the next one and its hash follows; at damage the walk
//! stays where it is.

use std::path::Path;

use crate::{
    Break, BreakKind, ReadError,
    chain::{Hash, Link},
    segment::{Beginning, HEADER_BYTES, Header, RECORD_HEAD_BYTES, RECORD_HEAD_LEN, RecordHead, segment_name},
    window::Window,
};

/// The walk.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The segment's number.
    pub(crate) number: u64,
    /// Where the next record begins.
    pub(crate) offset: u64,
    /// The next record's number.
    pub(crate) next: u64,
    /// The hash before the next record.
    pub(crate) link: Link,
    /// Where the last group's first record begins.
    pub(crate) group_offset: u64,
    window: Window,
}

/// One step.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Something that is no record with the next number and a hash that follows.
    Damaged,
    /// No more records.
    End,
    /// A record.
    Record(RecordHead, &'a [u8]),
}

impl Walk {
    /// Opens a segment's file and reads its beginning. The walk begins as if number 1 followed on the chain's start;
    /// `begin` takes the header's word for it.
    pub(crate) fn open(directory: &Path, number: u64) -> Result<(Self, Beginning), ReadError> {
        let mut window = Window::open(&directory.join(segment_name(number)))?;
        let beginning = window.beginning()?.map_or(Beginning::Damaged, |bytes| Beginning::decode(&bytes));
        let link = Link::Known(crate::chain::CHAIN_START);
        let walk = Self { number, offset: HEADER_BYTES, next: 1, link, group_offset: HEADER_BYTES, window };
        Ok((walk, beginning))
    }

    /// Begins with what the header says.
    pub(crate) fn begin(&mut self, header: &Header) {
        self.next = header.first_sequence;
        self.link = Link::Known(header.previous);
    }

    /// The next record.
    pub(crate) fn step(&mut self) -> Result<Step<'_>, ReadError> {
        let at = self.offset;
        let Some(head) = self.head_at(at)? else {
            let rest = self.window.first_nonzero(at)?;
            return Ok(if rest.is_none() { Step::End } else { Step::Damaged });
        };
        if head.is_blank() {
            return Ok(Step::End);
        }
        let link = self.link;
        let follows = |payload: &[u8]| link.leads_to(&head, payload);
        if head.sequence != self.next || !self.payload(at, &head)?.is_some_and(follows) {
            return Ok(Step::Damaged);
        }
        if head.group_place == 0 {
            self.group_offset = at;
        }
        self.go_to(at + head.size(), head.sequence.saturating_add(1), Link::Known(head.hash));
        Ok(self.payload(at, &head)?.map_or(Step::Damaged, |payload| Step::Record(head, payload)))
    }

    /// Moves on.
    pub(crate) fn go_to(&mut self, offset: u64, next: u64, link: Link) {
        (self.offset, self.next, self.link) = (offset, next, link);
    }

    /// The last record's number and hash. Only after steps without damage.
    pub(crate) fn last(&self) -> (u64, Hash) {
        let hash = match self.link {
            Link::Known(hash) | Link::Either(hash, _) => hash,
            Link::Unknown => [0; 32],
        };
        (self.next.saturating_sub(1), hash)
    }

    /// A break at the present place.
    pub(crate) fn broken(&self, kind: BreakKind) -> Break {
        let sequence = Some(self.next);
        Break { segment: segment_name(self.number), offset: self.offset, sequence, kind, crash_possible: false }
    }

    /// Drops what was read, so that the next step sees the file as it is now.
    pub(crate) fn refresh(&mut self) {
        self.window.forget();
    }

    /// Access to the file's bytes.
    pub(crate) fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// The head at a place; none if the file ends before.
    pub(crate) fn head_at(&mut self, offset: u64) -> Result<Option<RecordHead>, ReadError> {
        Ok(self.window.bytes(offset, RECORD_HEAD_LEN)?.and_then(RecordHead::decode))
    }

    /// The payload of the head at a place; none if its length is impossible or the file ends before.
    pub(crate) fn payload(&mut self, offset: u64, head: &RecordHead) -> Result<Option<&[u8]>, ReadError> {
        match head.payload_len() {
            Some(length) => self.window.bytes(offset + RECORD_HEAD_BYTES, length),
            None => Ok(None),
        }
    }

    /// Whether damage at the present place cannot come from a crash: a group that was written later follows, or more
    /// bytes than a group has.
    ///
    /// A group is written only after everything before it is durable, so a crash damages the last group only.
    pub(crate) fn crash_impossible(&mut self) -> Result<bool, ReadError> {
        let Some(end) = self.window.end_of_nonzero(self.offset)? else { return Ok(false) };
        if end - self.offset > crate::writer::GROUP_BYTES_MAX {
            return Ok(true);
        }
        Ok(self.find_record(|head| head.group_place == 0)?.is_some())
    }

    /// The first place behind the present one where a record of a higher number stands, that record's number, and
    /// what is known of the hash before it.
    ///
    /// It counts as a record if it follows on the record at the present place, or if another one follows on it.
    pub(crate) fn find_record(
        &mut self,
        accept: impl Fn(&RecordHead) -> bool,
    ) -> Result<Option<(u64, u64, Link)>, ReadError> {
        let Some(end) = self.window.end_of_nonzero(self.offset)? else { return Ok(None) };
        let before = self.link_behind(self.offset)?;
        let numbers = self.next.saturating_add(1)..=self.next.saturating_add(SEARCH_RECORDS_MAX);
        for place in self.offset + 1..end {
            let Some(head) = self.head_at(place)? else { break };
            if !numbers.contains(&head.sequence) || !accept(&head) {
                continue;
            }
            if self.follows(place, &head, before)? {
                return Ok(Some((place, head.sequence, before)));
            }
            if self.is_followed(place, &head)? {
                return Ok(Some((place, head.sequence, Link::Unknown)));
            }
        }
        Ok(None)
    }

    /// What the record behind the one at a place may follow on: the hash that stands there or the one that should.
    pub(crate) fn link_behind(&mut self, place: u64) -> Result<Link, ReadError> {
        let Some(head) = self.head_at(place)?.filter(|head| !head.is_blank()) else { return Ok(Link::Unknown) };
        let link = self.link;
        let computed = self.payload(place, &head)?.and_then(|payload| link.hash_of(&head, payload));
        Ok(Link::Either(head.hash, computed.unwrap_or(head.hash)))
    }

    fn follows(&mut self, place: u64, head: &RecordHead, before: Link) -> Result<bool, ReadError> {
        Ok(before != Link::Unknown && self.payload(place, head)?.is_some_and(|payload| before.leads_to(head, payload)))
    }

    /// Whether another record follows on the one with this head.
    pub(crate) fn is_followed(&mut self, place: u64, head: &RecordHead) -> Result<bool, ReadError> {
        if head.payload_len().is_none() {
            return Ok(false);
        }
        let behind = place + head.size();
        let Some(next) = self.head_at(behind)? else { return Ok(false) };
        Ok(next.sequence == head.sequence.saturating_add(1) && self.follows(behind, &next, Link::Known(head.hash))?)
    }
}

/// How many numbers ahead the search for the next intact record looks. A segment holds fewer records.
const SEARCH_RECORDS_MAX: u64 = 1 << 24;
