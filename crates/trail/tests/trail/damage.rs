//! Every kind of deliberate damage is found and named with its place.

use std::{fs, path::Path};

use kanuki_trail::{Anchor, Break, BreakKind, Position, ReadFrom, Report, read, verify};

use crate::format::{
    HEAD, HEADER, Spot, bytes, copy, edit, id, name, path, payload, rechain, record_hash, seal_header, segments, spots,
    thirty,
};

struct Honest {
    directory: tempfile::TempDir,
    spots: Vec<Spot>,
    anchor: Anchor,
    positions: Vec<Position>,
}

fn honest() -> Honest {
    let directory = tempfile::tempdir().unwrap();
    let positions = thirty(directory.path());
    let spots = spots(directory.path());
    assert_eq!(spots.len(), 30);
    assert!(segments(directory.path()).len() >= 3);
    let anchor = (*positions.last().unwrap()).into();
    assert!(verify(directory.path(), Some(&anchor)).unwrap().is_whole());
    Honest { directory, spots, anchor, positions }
}

impl Honest {
    /// The report on a damaged copy, without an anchor.
    fn damaged(&self, damage: impl FnOnce(&Path)) -> Report {
        let copy = copy(self.directory.path());
        damage(copy.path());
        verify(copy.path(), None).unwrap()
    }

    /// The report on a damaged copy, with the anchor.
    fn anchored(&self, damage: impl FnOnce(&Path)) -> Report {
        let copy = copy(self.directory.path());
        damage(copy.path());
        verify(copy.path(), Some(&self.anchor)).unwrap()
    }

    /// Records with different neighbours: the first of all, a segment's first and last, one amid, the last of all.
    fn telling(&self) -> Vec<Spot> {
        let first_of_second = self.spots.iter().position(|spot| spot.segment == 2).unwrap();
        let amid = self.spots.iter().position(|spot| spot.segment == 3).unwrap() + 1;
        [0, first_of_second - 1, first_of_second, amid, 28, 29].map(|place| self.spots[place]).to_vec()
    }
}

#[track_caller]
fn assert_at(found: &Break, spot: &Spot) {
    let place = (found.segment.as_str(), found.offset, found.sequence);
    assert_eq!(place, (name(spot.segment).as_str(), spot.offset as u64, Some(spot.sequence)), "{found}");
}

fn flip(directory: &Path, segment: u64, byte: usize, bit: usize) {
    edit(directory, segment, |content| content[byte] ^= 1 << bit);
}

#[test]
fn every_bit_of_every_header() {
    let honest = honest();
    for segment in segments(honest.directory.path()) {
        for byte in 0..HEADER {
            let report = honest.damaged(|directory| flip(directory, segment, byte, byte % 8));
            assert_eq!(report.breaks.len(), 1, "byte {byte} of {segment}: {report}");
            assert_eq!(report.breaks[0].kind, BreakKind::SegmentHeader);
            assert_eq!((report.breaks[0].segment.as_str(), report.breaks[0].offset), (name(segment).as_str(), 0));
            assert_eq!(report.records, 30, "the records are looked at nevertheless");
        }
    }
}

#[test]
fn every_part_of_a_record() {
    let honest = honest();
    for spot in honest.telling() {
        // Every bit of the length, one of each other byte of the head, some of the payload.
        for bit in (0..32).chain((32..HEAD * 8).step_by(9)).chain((HEAD * 8..spot.size * 8).step_by(397)) {
            let report = honest.damaged(|directory| flip(directory, spot.segment, spot.offset + bit / 8, bit % 8));
            let found = report.breaks.first().unwrap_or_else(|| panic!("bit {bit} of {spot:?} was not found"));
            assert_at(found, &spot);
            let named = match bit / 8 {
                0..4 => matches!(found.kind, BreakKind::RecordLength | BreakKind::RecordHash),
                8..16 => found.kind == BreakKind::RecordSequence,
                _ => found.kind == BreakKind::RecordHash,
            };
            assert!(named, "bit {bit} of {spot:?}: {report}");
            assert_eq!(report.breaks.len(), 1, "one damage, one finding: bit {bit} of {spot:?}: {report}");
            assert_eq!(report.records, 29, "bit {bit} of {spot:?}: {report}");
            assert_eq!(found.crash_possible, spot.sequence == 30, "bit {bit} of {spot:?}: {report}");
        }
    }
}

#[test]
fn a_record_taken_out() {
    let honest = honest();
    for spot in honest.telling().into_iter().filter(|spot| spot.sequence < 29) {
        // With the records behind it moved up.
        let report = honest.damaged(|directory| {
            edit(directory, spot.segment, |content| {
                content.drain(spot.offset..spot.offset + spot.size);
                content.extend(vec![0; spot.size]);
            });
        });
        let last_of_segment = !honest.spots.iter().any(|s| s.segment == spot.segment && s.sequence > spot.sequence);
        let found = &report.breaks[0];
        if last_of_segment {
            let place = (found.segment.as_str(), found.kind, found.sequence);
            assert_eq!(place, (name(spot.segment + 1).as_str(), BreakKind::Gap, Some(spot.sequence)));
        } else {
            assert_at(found, &spot);
            assert_eq!(found.kind, BreakKind::RecordMissing { count: 1 }, "{report}");
        }
        assert_eq!(report.breaks.len(), 1, "{report}");
        // Overwritten with zeros.
        let report = honest.damaged(|directory| {
            edit(directory, spot.segment, |content| content[spot.offset..spot.offset + spot.size].fill(0));
        });
        if !last_of_segment {
            assert_at(&report.breaks[0], &spot);
            assert_eq!(report.breaks[0].kind, BreakKind::RecordMissing { count: 1 }, "{report}");
        }
        assert_eq!(report.breaks.len(), 1, "{report}");
    }
}

#[test]
fn several_records_taken_out() {
    let honest = honest();
    let (first, behind) = (honest.spots[1], honest.spots[4]);
    assert_eq!((first.segment, behind.segment), (1, 1));
    let report = honest.damaged(|directory| {
        edit(directory, 1, |content| {
            content.drain(first.offset..behind.offset);
        });
    });
    assert_at(&report.breaks[0], &first);
    assert_eq!(report.breaks[0].kind, BreakKind::RecordMissing { count: 3 });
    assert_eq!(report.breaks[1].kind, BreakKind::TailTruncated, "the file has become shorter");
    assert_eq!(report.breaks.len(), 2, "{report}");
}

#[test]
fn two_records_swapped() {
    let honest = honest();
    let (one, other) = (honest.spots[2], honest.spots[3]);
    let report = honest.damaged(|directory| {
        edit(directory, 1, |content| {
            let swapped =
                [&content[other.offset..other.offset + other.size], &content[one.offset..one.offset + one.size]]
                    .concat();
            content[one.offset..one.offset + swapped.len()].copy_from_slice(&swapped);
        });
    });
    assert_at(&report.breaks[0], &one);
    assert_eq!(report.breaks[0].kind, BreakKind::RecordSequence);
    assert!(report.breaks.len() <= 3, "{report}");
    // With their numbers put in order.
    let report = honest.damaged(|directory| {
        edit(directory, 1, |content| {
            let mut swapped =
                [&content[other.offset..other.offset + other.size], &content[one.offset..one.offset + one.size]]
                    .concat();
            swapped[8..16].copy_from_slice(&one.sequence.to_be_bytes());
            swapped[other.size + 8..other.size + 16].copy_from_slice(&other.sequence.to_be_bytes());
            content[one.offset..one.offset + swapped.len()].copy_from_slice(&swapped);
        });
    });
    assert_at(&report.breaks[0], &one);
    assert_eq!(report.breaks[0].kind, BreakKind::RecordHash);
}

/// A record put in between, its numbers right, its hash made up.
#[test]
fn a_record_put_in() {
    let honest = honest();
    let (spot, last) = (honest.spots[27], honest.spots[29]);
    assert_eq!(spot.segment, last.segment);
    assert!(last.offset + last.size + 104 <= 4096, "there is room for it");
    let report = honest.damaged(|directory| {
        edit(directory, spot.segment, |content| {
            content.splice(spot.offset..spot.offset, forged(spot.sequence, &[7; 32]));
            content.truncate(4096);
        });
    });
    assert_at(&report.breaks[0], &spot);
    assert_eq!(report.breaks[0].kind, BreakKind::RecordHash);
    assert_eq!(report.breaks[1].kind, BreakKind::RecordSequence, "{report}");
    assert_eq!(report.breaks.len(), 2, "{report}");
}

#[test]
fn a_record_appended_with_a_wrong_hash() {
    let honest = honest();
    let last = honest.spots[29];
    let end = last.offset + last.size;
    let damage = |directory: &Path| {
        edit(directory, last.segment, |content| {
            let forged = forged(31, &[7; 32]);
            content[end..end + forged.len()].copy_from_slice(&forged);
        });
    };
    for report in [honest.damaged(damage), honest.anchored(damage)] {
        assert_at(&report.breaks[0], &Spot { offset: end, sequence: 31, ..last });
        assert_eq!((report.breaks[0].kind, report.breaks.len()), (BreakKind::RecordHash, 1), "{report}");
    }
}

/// A record as a forger without knowledge of the chain writes it.
fn forged(sequence: u64, previous: &[u8; 32]) -> Vec<u8> {
    let mut record = vec![0; HEAD];
    record[..4].copy_from_slice(&40_u32.to_be_bytes());
    record[8..16].copy_from_slice(&sequence.to_be_bytes());
    record[16..32].copy_from_slice(&id(99).0);
    record.extend(payload(99, 40));
    let hash = record_hash(previous, &record);
    record[32..64].copy_from_slice(&hash);
    record
}

#[test]
fn a_segment_taken_out() {
    let honest = honest();
    let all = segments(honest.directory.path());
    let last = *all.last().unwrap();
    for segment in [1, 2, last - 1] {
        let report = honest.damaged(|directory| fs::remove_file(path(directory, segment)).unwrap());
        let found = &report.breaks[0];
        assert_eq!(
            (found.segment.as_str(), found.kind),
            (name(segment).as_str(), BreakKind::SegmentMissing { count: 1 })
        );
        assert_eq!(report.breaks.len(), 1, "{report}");
    }
    let report = honest.damaged(|directory| {
        fs::remove_file(path(directory, 1)).unwrap();
        fs::remove_file(path(directory, 2)).unwrap();
    });
    assert_eq!(report.breaks[0].kind, BreakKind::SegmentMissing { count: 2 });
    assert_ne!(report.first_sequence, Some(1));
    // Only the anchor tells that there was a last one.
    let first_of_last = honest.spots.iter().find(|spot| spot.segment == last).unwrap();
    let report = honest.anchored(|directory| {
        fs::remove_file(path(directory, last)).unwrap();
        let _ = fs::remove_file(path(directory, last + 1));
    });
    assert_eq!(
        (report.breaks[0].kind, report.breaks[0].sequence),
        (BreakKind::TailTruncated, Some(first_of_last.sequence))
    );
    assert_eq!(report.breaks[0].segment, name(last - 1));
}

/// Everything removed but the lock.
#[test]
fn all_segments_taken_out() {
    let honest = honest();
    let report = honest.anchored(|directory| {
        for segment in 1..=segments(directory).len() as u64 + 1 {
            let _ = fs::remove_file(path(directory, segment));
        }
    });
    assert_eq!((report.breaks[0].kind, report.breaks[0].sequence), (BreakKind::TailTruncated, Some(1)), "{report}");
}

/// The first segments removed, and the rest renamed and given new headers: records keep their numbers.
#[test]
fn a_trail_that_is_made_to_begin_later() {
    let honest = honest();
    let report = honest.damaged(|directory| {
        for segment in segments(directory) {
            match segment {
                1 => fs::remove_file(path(directory, 1)).unwrap(),
                _ => {
                    edit(directory, segment, |content| {
                        content[16..24].copy_from_slice(&(segment - 1).to_be_bytes());
                        seal_header(content);
                    });
                    fs::rename(path(directory, segment), path(directory, segment - 1)).unwrap();
                }
            }
        }
        let _ = fs::remove_file(path(directory, segments(directory).len() as u64 + 2));
    });
    assert_eq!(
        (report.breaks[0].kind, report.breaks[0].segment.as_str()),
        (BreakKind::Gap, name(1).as_str()),
        "{report}"
    );
    assert_eq!(report.breaks.len(), 1, "{report}");
}

#[test]
fn a_segment_of_another_trail() {
    let honest = honest();
    let report = honest.damaged(|directory| {
        let other = copy(directory);
        edit(other.path(), 1, |content| content[HEADER + HEAD] ^= 1);
        rechain(other.path());
        fs::copy(path(other.path(), 2), path(directory, 2)).unwrap();
    });
    let kinds: Vec<_> = report.breaks.iter().map(|found| (found.segment.clone(), found.kind)).collect();
    assert_eq!(kinds, [(name(2), BreakKind::SegmentLink), (name(3), BreakKind::SegmentLink)], "{report}");
}

#[test]
fn a_tail_cut_off() {
    let honest = honest();
    for cut in [1, 2] {
        let first = honest.spots[30 - cut];
        let blank = |directory: &Path| {
            edit(directory, first.segment, |content| content[first.offset..].fill(0));
        };
        if honest.spots[29].segment == first.segment {
            assert!(honest.damaged(blank).is_whole(), "without an anchor nobody can know");
            let report = honest.anchored(blank);
            assert_at(&report.breaks[0], &first);
            assert_eq!((report.breaks[0].kind, report.breaks.len()), (BreakKind::TailTruncated, 1), "{report}");
        }
    }
    // A file made shorter is found without an anchor.
    let last = honest.spots[29];
    for length in [last.offset, last.offset + 10, last.offset + last.size, last.offset + last.size + 9] {
        let report = honest.damaged(|directory| edit(directory, last.segment, |content| content.truncate(length)));
        assert_eq!(report.breaks.last().unwrap().kind, BreakKind::TailTruncated, "{length}: {report}");
    }
}

/// Amid a record, so that neither it nor its end is there.
#[test]
fn a_sealed_segment_cut_off() {
    let honest = honest();
    let spot = *honest.spots.iter().rfind(|spot| spot.segment == 2).unwrap();
    let report = honest.damaged(|directory| edit(directory, 2, |content| content.truncate(spot.offset + 80)));
    assert_at(&report.breaks[0], &spot);
    assert_eq!(report.breaks[1].kind, BreakKind::TailTruncated, "{report}");
    assert_eq!(report.breaks.len(), 2, "{report}");
}

#[test]
fn bytes_behind_the_end() {
    let honest = honest();
    for segment in segments(honest.directory.path()) {
        let end =
            honest.spots.iter().rfind(|spot| spot.segment == segment).map(|spot| spot.offset + spot.size).unwrap();
        for place in [end, end + 1, end + 70, 4095].into_iter().filter(|place| (end..4096).contains(place)) {
            let report = honest.damaged(|directory| edit(directory, segment, |content| content[place] = 0x55));
            assert_eq!(report.breaks.len(), 1, "{place} of {segment}: {report}");
            assert_eq!(
                (report.breaks[0].segment.as_str(), report.breaks[0].offset),
                (name(segment).as_str(), place as u64)
            );
            assert_eq!(report.breaks[0].kind, BreakKind::Garbage);
        }
        let report = honest.damaged(|directory| edit(directory, segment, |content| content.push(0)));
        assert_eq!((report.breaks[0].kind, report.breaks[0].offset), (BreakKind::Garbage, 4096), "{report}");
    }
}

/// Whoever can write the files can write a history that holds together. It does not lead to the anchor.
#[test]
fn a_history_written_anew() {
    let honest = honest();
    for place in [0, 13, 29] {
        let spot = honest.spots[place];
        let forge = |directory: &Path| {
            flip(directory, spot.segment, spot.offset + HEAD + 3, 2);
            rechain(directory);
        };
        assert!(honest.damaged(forge).is_whole(), "without an anchor nobody can know");
        let report = honest.anchored(forge);
        assert_at(&report.breaks[0], &honest.spots[29]);
        assert_eq!((report.breaks[0].kind, report.breaks.len()), (BreakKind::AnchorMismatch, 1), "{report}");
    }
    // Changes behind an older anchor are not its business; changes before it are.
    let anchor = honest.positions[9].into();
    for (place, whole) in [(3, false), (9, false), (10, true)] {
        let copy = copy(honest.directory.path());
        flip(copy.path(), honest.spots[place].segment, honest.spots[place].offset + HEAD, 0);
        rechain(copy.path());
        assert_eq!(verify(copy.path(), Some(&anchor)).unwrap().is_whole(), whole, "record {place}");
    }
}

#[test]
fn many_damages_end_the_search() {
    let honest = honest();
    let report = honest.damaged(|directory| {
        for spot in &honest.spots {
            flip(directory, spot.segment, spot.offset + HEAD, 0);
        }
    });
    assert_eq!(report.breaks.len(), 30, "{report}");
    assert!(report.to_string().contains("record 17: the record does not match its hash"), "{report}");
    assert!(report.to_string().ends_with("THE TRAIL IS BROKEN at 30 places"), "{report}");
}

/// The reader never hands out a damaged record.
#[test]
fn a_reader_stops_at_damage() {
    let honest = honest();
    let spot = honest.spots[12];
    let copy = copy(honest.directory.path());
    flip(copy.path(), spot.segment, spot.offset + HEAD, 0);
    let mut reader = read(copy.path(), ReadFrom::Start).unwrap();
    assert_eq!(reader.by_ref().take_while(Result::is_ok).count(), 12);
    assert!(reader.next().is_none(), "after an error there is nothing more");
    fs::remove_file(path(copy.path(), 2)).unwrap();
    let first_of_second = honest.spots.iter().position(|spot| spot.segment == 2).unwrap();
    let mut reader = read(copy.path(), ReadFrom::Start).unwrap();
    assert_eq!(reader.by_ref().take_while(Result::is_ok).count(), first_of_second);
    let error = read(copy.path(), ReadFrom::Sequence(spot.sequence)).unwrap().find_map(Result::err);
    assert!(error.is_some());
    assert_eq!(bytes(copy.path(), 1), bytes(honest.directory.path(), 1), "reading changes nothing");
}
