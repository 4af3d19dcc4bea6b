//! Opening: what a crash leaves is moved aside, what no crash leaves is refused.

use std::{fs, path::Path};

use kanuki_trail::{Anchor, BreakKind, OpenError, Options, ReadError, ReadFrom, Recovery, Trail, read, verify};

use crate::format::{HEAD, HEADER, append, bytes, copy, edit, name, open, path, rechain, segments, spots, thirty};

const OPTIONS: Options = Options { segment_bytes: 4096 };

fn try_open(directory: &Path, anchor: Option<&Anchor>) -> Result<(Trail, Recovery), OpenError> {
    Trail::open(directory, OPTIONS, anchor)
}

/// The files of a directory and their bytes.
fn content(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

#[track_caller]
fn refused(directory: &Path, anchor: Option<&Anchor>) -> OpenError {
    let before = content(directory);
    let error = try_open(directory, anchor).unwrap_err();
    assert_eq!(content(directory), before, "what is refused is not touched");
    error
}

#[track_caller]
fn broken(directory: &Path) -> (String, u64, BreakKind) {
    match refused(directory, None) {
        OpenError::Broken(place) => (place.segment, place.offset, place.kind),
        other => panic!("{other}"),
    }
}

/// The last record half written: every prefix of it, and holes in it.
#[test]
fn an_unfinished_record_is_moved_aside() {
    let honest = tempfile::tempdir().unwrap();
    let positions = thirty(honest.path());
    let last = *spots(honest.path()).last().unwrap();
    let end = last.offset + last.size;
    for (from, to) in [(1, 0), (4, 0), (30, 0), (64, 0), (last.size - 1, 0), (0, 64), (0, 4), (40, 50)] {
        let directory = copy(honest.path());
        // What is not yet on the disk reads as zeros.
        edit(directory.path(), last.segment, |content| match to {
            0 => content[last.offset + from..end].fill(0),
            _ => content[last.offset + from..last.offset + to].fill(0),
        });
        let left = bytes(directory.path(), last.segment)[last.offset..end].to_vec();
        let length = left.iter().rposition(|byte| *byte != 0).map(|place| place + 1);
        let anchor = positions[28].into();
        let (trail, recovery) = try_open(directory.path(), Some(&anchor)).unwrap();
        assert_eq!(recovery, Recovery { records: 29, torn_tail_bytes: length.map(|length| length as u64) });
        if let Some(length) = length {
            let aside = directory.path().join(format!("{}.{}.1.torn", name(last.segment), last.offset));
            assert_eq!(fs::read(aside).unwrap(), left[..length], "nothing is dropped");
        }
        assert_eq!(trail.head(), Some(anchor));
        append(&trail, &[500, 500]);
        let head = trail.close().unwrap();
        let report = verify(directory.path(), head.as_ref()).unwrap();
        assert!(report.is_whole(), "{report}");
        assert_eq!(report.records, 31);
    }
}

/// A group of ten records of which only some blocks reached the disk, in any order.
#[test]
fn an_unfinished_group_is_moved_aside() {
    const OPTIONS: Options = Options { segment_bytes: 1 << 16 };
    for (lost, intact) in [(0..100, 0), (400..500, 1), (400..2000, 1), (2821..2822, 8), (3000..3001, 9)] {
        let directory = tempfile::tempdir().unwrap();
        let trail = Trail::open(directory.path(), OPTIONS, None).unwrap().0;
        append(&trail, &[250; 20]);
        trail.close().unwrap();
        let all = spots(directory.path());
        let start = all[10].offset;
        edit(directory.path(), 1, |content| {
            for (spot, place) in all[10..].iter().zip(0_u32..) {
                content[spot.offset + 4..spot.offset + 8].copy_from_slice(&place.to_be_bytes());
            }
        });
        rechain(directory.path());
        assert!(verify(directory.path(), None).unwrap().is_whole());
        edit(directory.path(), 1, |content| content[start + lost.start..start + lost.end].fill(0));
        let report = verify(directory.path(), None).unwrap();
        assert!(!report.is_whole() && report.breaks.iter().all(|found| found.crash_possible), "{report}");
        let (trail, recovery) = Trail::open(directory.path(), OPTIONS, None).unwrap();
        let torn = (10 - intact) * (HEAD + 250);
        assert_eq!(recovery, Recovery { records: 10 + intact as u64, torn_tail_bytes: Some(torn as u64) });
        append(&trail, &[10]);
        let head = trail.close().unwrap();
        let report = verify(directory.path(), head.as_ref()).unwrap();
        assert!(report.is_whole(), "{report}");
    }
}

#[test]
fn crashes_at_the_same_place_keep_all_their_bytes() {
    let directory = tempfile::tempdir().unwrap();
    thirty(directory.path());
    let last = *spots(directory.path()).last().unwrap();
    let end = last.offset + last.size;
    for attempt in 1..4 {
        edit(directory.path(), last.segment, |content| content[end..end + 70].fill(attempt));
        assert_eq!(try_open(directory.path(), None).unwrap().1.torn_tail_bytes, Some(70));
        let aside = directory.path().join(format!("{}.{end}.{attempt}.torn", name(last.segment)));
        assert_eq!(fs::read(aside).unwrap(), [attempt; 70]);
    }
}

/// Damage before a later group cannot come from a crash: that group was written when everything before was durable.
#[test]
fn damage_before_the_last_group_is_refused() {
    let honest = tempfile::tempdir().unwrap();
    thirty(honest.path());
    let all = spots(honest.path());
    let last_segment = all[29].segment;
    for spot in all.iter().filter(|spot| spot.segment + 1 >= last_segment && spot.sequence < 30) {
        for byte in [0, 1, 2, 3, 5, 12, 20, 40, HEAD + 5] {
            let directory = copy(honest.path());
            edit(directory.path(), spot.segment, |content| content[spot.offset + byte] ^= 0x10);
            let (segment, offset, _) = broken(directory.path());
            assert_eq!((segment, offset), (name(spot.segment), spot.offset as u64), "byte {byte} of {spot:?}");
        }
    }
}

#[test]
fn more_bytes_than_a_group_has_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 4 << 20 };
    // The second segment is long enough for it; the first is 1 MiB.
    let trail = Trail::open(directory.path(), options, None).unwrap().0;
    append(&trail, &[250_000; 5]);
    trail.close().unwrap();
    assert_eq!(segments(directory.path()), [1, 2]);
    edit(directory.path(), 2, |content| content[260_000..260_000 + (1 << 20) + 1].fill(0x77));
    let (segment, _, kind) = broken(directory.path());
    assert_eq!((segment, kind), (name(2), BreakKind::Garbage));
}

#[test]
fn a_trail_before_its_anchor_is_refused() {
    let honest = tempfile::tempdir().unwrap();
    let positions = thirty(honest.path());
    let anchor = positions[29].into();
    drop(try_open(honest.path(), Some(&anchor)).unwrap());
    let last = *spots(honest.path()).last().unwrap();
    let directory = copy(honest.path());
    edit(directory.path(), last.segment, |content| content[last.offset..].fill(0));
    assert!(matches!(refused(directory.path(), Some(&anchor)), OpenError::Behind { anchor: 30, last: 29 }));
    // Damage that a crash could have left, in a record that was acknowledged.
    let directory = copy(honest.path());
    edit(directory.path(), last.segment, |content| content[last.offset + HEAD] ^= 1);
    assert!(matches!(refused(directory.path(), Some(&anchor)), OpenError::Behind { anchor: 30, last: 29 }));
    let empty = tempfile::tempdir().unwrap();
    drop(open(empty.path()));
    assert!(matches!(refused(empty.path(), Some(&anchor)), OpenError::Behind { anchor: 30, last: 0 }));
}

#[test]
fn a_history_written_anew_is_refused() {
    let honest = tempfile::tempdir().unwrap();
    let positions = thirty(honest.path());
    for (changed, anchored) in [(0, 29), (0, 0), (5, 9), (28, 29), (29, 29)] {
        let directory = copy(honest.path());
        let spot = spots(honest.path())[changed];
        edit(directory.path(), spot.segment, |content| content[spot.offset + HEAD] ^= 1);
        rechain(directory.path());
        let anchor: Anchor = positions[anchored].into();
        let error = refused(directory.path(), Some(&anchor));
        assert!(matches!(error, OpenError::Forked { anchor } if anchor == positions[anchored].sequence), "{error}");
    }
}

#[test]
fn missing_and_changed_segments_are_refused() {
    let honest = tempfile::tempdir().unwrap();
    thirty(honest.path());
    let last = *segments(honest.path()).last().unwrap();
    for segment in 1..last {
        let directory = copy(honest.path());
        fs::remove_file(path(directory.path(), segment)).unwrap();
        assert_eq!(broken(directory.path()), (name(segment), 0, BreakKind::SegmentMissing { count: 1 }));
    }
    for segment in 1..=last {
        for byte in [0, 9, 20, 28, 35, 41, 80, 127] {
            let directory = copy(honest.path());
            edit(directory.path(), segment, |content| content[byte] ^= 1);
            assert_eq!(broken(directory.path()), (name(segment), 0, BreakKind::SegmentHeader));
        }
    }
    let directory = copy(honest.path());
    edit(directory.path(), last, |content| content.truncate(4000));
    assert_eq!(broken(directory.path()).2, BreakKind::TailTruncated);
    // The end of the segment before the last one, cut off cleanly.
    let directory = copy(honest.path());
    let spot = *spots(honest.path()).iter().rfind(|spot| spot.segment == last - 1).unwrap();
    edit(directory.path(), last - 1, |content| content[spot.offset..].fill(0));
    assert_eq!(broken(directory.path()), (name(last), 0, BreakKind::Gap));
}

/// A last segment that is whole in itself and follows on another history.
#[test]
fn a_last_segment_of_another_trail_is_refused() {
    let honest = tempfile::tempdir().unwrap();
    thirty(honest.path());
    let last = *segments(honest.path()).last().unwrap();
    let other = copy(honest.path());
    edit(other.path(), last - 1, |content| content[HEADER + HEAD] ^= 1);
    rechain(other.path());
    fs::copy(path(other.path(), last), path(honest.path(), last)).unwrap();
    assert_eq!(broken(honest.path()), (name(last), 0, BreakKind::SegmentLink));
    let error = read(honest.path(), ReadFrom::Start).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, ReadError::Broken(place) if place.kind == BreakKind::SegmentLink));
}

/// Damage of the last record and of a header behind it: the header was written when the record was durable.
#[test]
fn no_crash_damages_a_record_and_the_next_header() {
    let directory = tempfile::tempdir().unwrap();
    thirty(directory.path());
    let last = *spots(directory.path()).last().unwrap();
    edit(directory.path(), last.segment, |content| content[last.offset + HEAD] ^= 1);
    fs::write(path(directory.path(), last.segment + 1), [vec![1; 20], vec![0; 4076]].concat()).unwrap();
    assert_eq!(broken(directory.path()), (name(last.segment), last.offset as u64, BreakKind::RecordHash));
}

/// Crashes between the steps of a rotation.
#[test]
fn a_rotation_may_be_interrupted_anywhere() {
    let honest = tempfile::tempdir().unwrap();
    let positions = thirty(honest.path());
    let anchor: Anchor = positions[29].into();
    let next = segments(honest.path()).last().unwrap() + 1;
    let go_on = |directory: &Path, torn: Option<u64>| {
        let (trail, recovery) = try_open(directory, Some(&anchor)).unwrap();
        assert_eq!(recovery, Recovery { records: 30, torn_tail_bytes: torn });
        append(&trail, &[900; 12]);
        let head = trail.close().unwrap();
        let report = verify(directory, head.as_ref()).unwrap();
        assert!(report.is_whole(), "{report}");
        assert_eq!(report.records, 42);
    };
    // The next file is being prepared.
    let directory = copy(honest.path());
    let _ = fs::remove_file(path(directory.path(), next));
    fs::write(path(directory.path(), next).with_extension("ktrail.new"), [0; 100]).unwrap();
    go_on(directory.path(), None);
    // It is prepared.
    let directory = copy(honest.path());
    fs::write(path(directory.path(), next), [0; 4096]).unwrap();
    go_on(directory.path(), None);
    // Its header is half written.
    let directory = copy(honest.path());
    let mut half = vec![0; 4096];
    half[..8].copy_from_slice(b"KNKTRAIL");
    fs::write(path(directory.path(), next), half).unwrap();
    go_on(directory.path(), Some(HEADER as u64));
    // Its header is written and no record: as if the last segment's records were taken away.
    let directory = copy(honest.path());
    let trail = open(directory.path());
    append(&trail, &[3900]);
    trail.close().unwrap();
    let last = *spots(directory.path()).last().unwrap();
    assert_eq!((last.offset, last.sequence), (HEADER, 31));
    edit(directory.path(), last.segment, |content| content[HEADER..].fill(0));
    go_on(directory.path(), None);
}

#[test]
fn the_very_first_start_may_be_interrupted() {
    for content in [None, Some(vec![0; 4096]), Some([vec![1; 20], vec![0; 4076]].concat())] {
        let directory = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(path(directory.path(), 1), content).unwrap();
        }
        let (trail, recovery) = try_open(directory.path(), None).unwrap();
        assert_eq!(recovery.records, 0);
        append(&trail, &[100; 3]);
        let head = trail.close().unwrap();
        assert!(verify(directory.path(), head.as_ref()).unwrap().is_whole());
    }
}
