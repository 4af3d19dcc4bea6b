//! The diagnosis of damage: what happened to a record, and where the next intact one stands.
//!
//! Not here: whether a crash explains it (`Walk::crash_impossible`).
//! Invariant: the walk stands at a later place afterwards, or at the end of what can be read with an unknown link;
//! one damage is one finding, so the records behind it are checked again.

use crate::{BreakKind, ReadError, chain::Link, segment::RecordHead, walk::Walk};

/// Names the damage at the present place and moves the walk behind it.
pub(crate) fn diagnose(walk: &mut Walk) -> Result<BreakKind, ReadError> {
    let (at, next) = (walk.offset, walk.next);
    let head = walk.head_at(at)?;
    let whole = match head {
        Some(head) if walk.payload(at, &head)?.is_some() => Some(head),
        _ => None,
    };
    let found = walk.find_record(|_| true)?;
    if let Some(head) = whole
        && length_is_right(walk, &head, found.map(|(place, ..)| place))?
    {
        return step_over(walk, &head);
    }
    if let Some((place, sequence, link)) = found {
        walk.go_to(place, sequence, link);
        let blank = head.is_some_and(|head| head.is_blank());
        let count = sequence - next;
        return Ok(if blank { BreakKind::RecordMissing { count } } else { BreakKind::RecordLength });
    }
    let end = walk.window().file_len()?;
    walk.go_to(end, next, Link::Unknown);
    let expected = head.is_some_and(|head| head.sequence == next);
    Ok(match (expected, whole.is_some()) {
        (true, true) => BreakKind::RecordHash,
        (true, false) => BreakKind::RecordLength,
        (false, _) => BreakKind::Garbage,
    })
}

/// Whether the record ends where its length says, judged by what stands there. `found` is the next place where an
/// intact record stands.
fn length_is_right(walk: &mut Walk, head: &RecordHead, found: Option<u64>) -> Result<bool, ReadError> {
    let behind = walk.offset + head.size();
    if found == Some(behind) || only_the_number(walk, head)? {
        return Ok(true);
    }
    let Some(follower) = walk.head_at(behind)?.filter(|head| !head.is_blank()) else {
        return Ok(found.is_none());
    };
    if walk.is_followed(behind, &follower)? {
        return Ok(true);
    }
    let looks_so = near(walk, &follower) && follower.payload_len().is_some();
    Ok(looks_so && found.is_none_or(|place| place > behind))
}

/// Names the damage of a record whose length is right, and moves the walk behind it.
fn step_over(walk: &mut Walk, head: &RecordHead) -> Result<BreakKind, ReadError> {
    let (at, next) = (walk.offset, walk.next);
    let behind = at + head.size();
    let link_behind = walk.link_behind(at)?;
    if head.sequence == next {
        walk.go_to(behind, next + 1, link_behind);
        return Ok(BreakKind::RecordHash);
    }
    let follower = walk.head_at(behind)?.filter(|head| !head.is_blank());
    // If the next number fits this one, the record is at home with its neighbour, and others are missing before it.
    let with_neighbour = follower.is_none_or(|follower| head.sequence.checked_add(1) == Some(follower.sequence));
    if !with_neighbour || !near(walk, head) || only_the_number(walk, head)? {
        walk.go_to(behind, next + 1, link_behind);
        return Ok(BreakKind::RecordSequence);
    }
    walk.go_to(behind, head.sequence + 1, link_behind);
    Ok(match head.sequence.checked_sub(next) {
        Some(count) => BreakKind::RecordMissing { count },
        None => BreakKind::RecordSequence,
    })
}

/// Whether the record would be intact under the number that belongs here.
fn only_the_number(walk: &mut Walk, head: &RecordHead) -> Result<bool, ReadError> {
    let (at, link) = (walk.offset, walk.link);
    let renumbered = RecordHead { sequence: walk.next, ..*head };
    let numbered_wrong = head.sequence != walk.next && link != Link::Unknown;
    Ok(numbered_wrong && walk.payload(at, head)?.is_some_and(|payload| link.leads_to(&renumbered, payload)))
}

fn near(walk: &Walk, head: &RecordHead) -> bool {
    head.sequence.abs_diff(walk.next) <= NUMBERS_APART_MAX
}

/// Numbers that lie further apart are taken for garbage, not for missing records.
const NUMBERS_APART_MAX: u64 = 1 << 32;
