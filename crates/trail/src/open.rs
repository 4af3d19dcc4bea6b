//! Opening a trail: finds its end, refuses a damaged one, moves aside what a crash left behind.
//!
//! Not here: the check of the whole history (`verify.rs`); opening reads every header, and the records of the last
//! two segments and of the anchor's.
//! Invariants: nothing is changed before everything is checked; bytes are moved aside and never dropped; what was
//! read as valid is durable before the trail is handed out.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use crate::{
    Anchor, Break, BreakKind, OpenError, ReadError, SEGMENT_BYTES_MIN,
    chain::{CHAIN_START, Hash},
    diagnose::diagnose,
    directory::{create_file, segment_numbers, sync_directory},
    prepare::Prepared,
    segment::{Beginning, HEADER_BYTES, HEADER_LEN, Header, segment_name},
    walk::{Step, Walk},
    writer::{Current, Tail, next_capacity},
};

/// Finds the end of the trail, or makes a new trail. The second value is the number of bytes moved aside.
pub(crate) fn recover(
    directory: &Path,
    segment_bytes: u64,
    anchor: Option<&Anchor>,
) -> Result<(Tail, Option<u64>), OpenError> {
    let Survey { segments, spare } = survey(directory)?;
    let checked = check(directory, &segments, anchor)?;
    let end = checked.as_ref().map_or(0, |end| end.walk.last().0);
    if let Some(anchor) = anchor.filter(|anchor| anchor.sequence > end) {
        return Err(OpenError::Behind { anchor: anchor.sequence, last: end });
    }
    let spare_torn = spare.as_ref().is_some_and(|spare| spare.torn);
    // A header is written only when the segment before is complete: no crash damages both.
    let checked = match checked {
        Some(mut end) if spare_torn && end.torn.is_some() => return Err(broken(&mut end.walk)?),
        checked => checked,
    };
    let prepared = spare.map(|spare| adopt(directory, &spare)).transpose()?;
    let torn = checked.as_ref().and_then(|end| end.torn).or(spare_torn.then_some(HEADER_BYTES));
    let tail = match checked {
        Some(end) => settle(directory, end, prepared)?,
        None => create(directory, segment_bytes, prepared)?,
    };
    Ok((tail, torn))
}

/// What there is.
struct Survey {
    segments: Vec<(u64, Header)>,
    spare: Option<Spare>,
}

/// A last segment without records that has no intact header.
struct Spare {
    number: u64,
    /// Whether the header was half written; otherwise the file is blank.
    torn: bool,
}

/// The last segment, walked to its end.
struct End {
    walk: Walk,
    header: Header,
    /// How many bytes of an unfinished group stand behind the last record.
    torn: Option<u64>,
}

/// Reads every header: the segments are numbered from 1 without a hole, and only the last may have no header yet.
fn survey(directory: &Path) -> Result<Survey, OpenError> {
    let numbers = segment_numbers(directory)?;
    let mut found = Survey { segments: Vec::with_capacity(numbers.len()), spare: None };
    let mut first_sequence = 1;
    for (number, expected) in numbers.iter().copied().zip(1..) {
        if number != expected {
            let kind = BreakKind::SegmentMissing { count: number - expected };
            return Err(OpenError::Broken(Box::new(Break::of_segment(expected, kind))));
        }
        let refuse = |kind| Err(OpenError::Broken(Box::new(Break::of_segment(number, kind))));
        let (mut walk, beginning) = Walk::open(directory, number)?;
        let last = Some(&number) == numbers.last();
        match beginning {
            Beginning::Begun(header) if header.number != number => return refuse(BreakKind::SegmentHeader),
            Beginning::Begun(header) if header.first_sequence < first_sequence => return refuse(BreakKind::Gap),
            Beginning::Begun(header) => {
                first_sequence = header.first_sequence;
                found.segments.push((number, header));
            }
            _ if !last || walk.window().first_nonzero(HEADER_BYTES)?.is_some() => {
                return refuse(BreakKind::SegmentHeader);
            }
            _ if walk.window().file_len()? < SEGMENT_BYTES_MIN => return refuse(BreakKind::TailTruncated),
            _ => found.spare = Some(Spare { number, torn: beginning == Beginning::Damaged }),
        }
    }
    Ok(found)
}

/// Walks the anchor's segment, the last one and the one before it. None if no segment has begun.
fn check(directory: &Path, segments: &[(u64, Header)], anchor: Option<&Anchor>) -> Result<Option<End>, OpenError> {
    let anchored = |(_, header): &(u64, Header)| anchor.is_some_and(|anchor| header.first_sequence <= anchor.sequence);
    let of_anchor = segments.iter().rposition(anchored);
    let Some(last) = segments.len().checked_sub(1) else { return Ok(None) };
    let mut end = None;
    for place in [of_anchor, last.checked_sub(1), Some(last)].into_iter().flatten() {
        let Some((number, header)) = segments.get(place) else { continue };
        if place == 0 && (header.first_sequence, header.previous) != (1, CHAIN_START) {
            return Err(OpenError::Broken(Box::new(Break::of_segment(*number, BreakKind::Gap))));
        }
        let mut walk = walk_segment(directory, *number, header, anchor)?;
        let offset = walk.offset;
        let torn = walk.window().end_of_nonzero(offset)?.map(|end| end - offset);
        match segments.get(place + 1) {
            Some((next, link)) => check_sealed(&mut walk, torn, *next, link)?,
            None if torn.is_some() && walk.crash_impossible()? => return Err(broken(&mut walk)?),
            None => end = Some(End { walk, header: *header, torn }),
        }
    }
    Ok(end)
}

/// Walks to the end or to the first damage.
fn walk_segment(directory: &Path, number: u64, header: &Header, anchor: Option<&Anchor>) -> Result<Walk, OpenError> {
    let (mut walk, _) = Walk::open(directory, number)?;
    walk.begin(header);
    let length = walk.window().file_len()?;
    if length != header.capacity {
        let kind = if length < header.capacity { BreakKind::TailTruncated } else { BreakKind::Garbage };
        return Err(OpenError::Broken(Box::new(Break::of_segment(number, kind))));
    }
    while let Step::Record(head, _) = walk.step()? {
        if let Some(anchor) = anchor.filter(|anchor| anchor.sequence == head.sequence && anchor.hash != head.hash) {
            return Err(OpenError::Forked { anchor: anchor.sequence });
        }
    }
    Ok(walk)
}

/// A segment that another one follows is whole, and the other one's header binds its end.
fn check_sealed(walk: &mut Walk, torn: Option<u64>, next: u64, link: &Header) -> Result<(), OpenError> {
    if torn.is_some() {
        return Err(broken(walk)?);
    }
    let (last, hash) = walk.last();
    let kind = match (link.first_sequence == last.saturating_add(1), link.previous == hash) {
        (true, true) => return Ok(()),
        (true, false) => BreakKind::SegmentLink,
        (false, _) => BreakKind::Gap,
    };
    Err(OpenError::Broken(Box::new(Break::of_segment(next, kind))))
}

/// The damage at the present place, named.
fn broken(walk: &mut Walk) -> Result<OpenError, ReadError> {
    let mut place = walk.broken(BreakKind::Garbage);
    place.kind = diagnose(walk)?;
    Ok(OpenError::Broken(Box::new(place)))
}

/// Makes the end of the trail fit to go on: moves an unfinished group aside, and writes the last group once more.
///
/// After a failed sync the system may hold pages that it believes are on the disk and that are not; only what is
/// written anew is sure to be synced.
fn settle(directory: &Path, mut end: End, prepared: Option<Prepared>) -> Result<Tail, OpenError> {
    let path = directory.join(segment_name(end.header.number));
    let failed = |source| OpenError::Io { path: path.clone(), source };
    let file = open_segment(&path).map_err(failed)?;
    let (group, offset) = (end.walk.group_offset, end.walk.offset);
    if let Some(length) = end.torn {
        move_aside(directory, &mut end.walk, offset, length)?;
        file.write_all_at(&vec![0; usize::try_from(length).unwrap_or(0)], offset).map_err(failed)?;
    }
    file.write_all_at(&end.header.encode(), 0).map_err(failed)?;
    let length = usize::try_from(offset - group).unwrap_or(0);
    if let Some(bytes) = end.walk.window().bytes(group, length)? {
        file.write_all_at(bytes, group).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    sync_directory(directory).map_err(failed)?;
    let (last, previous) = end.walk.last();
    let segment = Current { file, number: end.header.number, capacity: end.header.capacity, offset };
    Ok(Tail { segment, next: last + 1, previous, prepared })
}

/// Copies bytes into a file of their own, durable before anything else is done to them.
fn move_aside(directory: &Path, walk: &mut Walk, offset: u64, length: u64) -> Result<(), OpenError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = walk.window().bytes(offset, length)?.unwrap_or_default().to_vec();
    let base = directory.join(format!("{}.{offset}", segment_name(walk.number)));
    let mut attempt = 0;
    loop {
        attempt += 1;
        let path = PathBuf::from(format!("{}.{attempt}.torn", base.display()));
        let failed = |source| OpenError::Io { path: path.clone(), source };
        match create_file(&path, false) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < TORN_FILES_MAX => {}
            Err(error) => return Err(failed(error)),
            Ok(mut file) => {
                file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
                return sync_directory(directory).map_err(failed);
            }
        }
    }
}

/// Takes over a segment that has no records: blank, or blanked now.
fn adopt(directory: &Path, spare: &Spare) -> Result<Prepared, OpenError> {
    let path = directory.join(segment_name(spare.number));
    let failed = |source| OpenError::Io { path: path.clone(), source };
    let file = open_segment(&path).map_err(failed)?;
    if spare.torn {
        let (mut walk, _) = Walk::open(directory, spare.number)?;
        move_aside(directory, &mut walk, 0, HEADER_BYTES)?;
        file.write_all_at(&[0; HEADER_LEN], 0).map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    let capacity = file.metadata().map_err(failed)?.len();
    Ok(Prepared { file, capacity })
}

/// Begins the first segment.
fn create(directory: &Path, segment_bytes: u64, prepared: Option<Prepared>) -> Result<Tail, OpenError> {
    let path = directory.join(segment_name(FIRST));
    let failed = |source| OpenError::Io { path: path.clone(), source };
    let Prepared { file, capacity } = match prepared {
        Some(prepared) => prepared,
        None => Prepared::create(directory, FIRST, next_capacity(0, segment_bytes), &AtomicBool::new(false))
            .map_err(failed)?,
    };
    let previous: Hash = CHAIN_START;
    let header = Header { number: FIRST, first_sequence: 1, capacity, previous };
    file.write_all_at(&header.encode(), 0).and_then(|()| file.sync_all()).map_err(failed)?;
    sync_directory(directory).map_err(failed)?;
    Ok(Tail {
        segment: Current { file, number: FIRST, capacity, offset: HEADER_BYTES },
        next: 1,
        previous,
        prepared: None,
    })
}

fn open_segment(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

const FIRST: u64 = 1;
/// How many files of unfinished groups may stand for one place.
const TORN_FILES_MAX: u32 = 1000;
