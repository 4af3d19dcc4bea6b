//! Honest trails of many shapes verify, read back, and know their events.

use std::path::Path;

use kanuki_trail::{Anchor, Options, Position, RECORD_BYTES_MAX, ReadFrom, Trail, read, verify};
use proptest::prelude::*;

use crate::format::{id, payload, runtime, segments};

/// Some records that are put into the queue at once; then, perhaps, the trail is opened anew.
#[derive(Debug, Clone)]
struct Burst {
    lengths: Vec<usize>,
    reopen: bool,
}

fn bursts() -> impl Strategy<Value = Vec<Burst>> {
    let length = prop_oneof![8 => 1..2000_usize, 1 => 3000..5000_usize, 1 => 10_000..40_000_usize];
    let burst = (prop::collection::vec(length, 0..12), any::<bool>());
    prop::collection::vec(burst.prop_map(|(lengths, reopen)| Burst { lengths, reopen }), 0..8)
}

/// Writes the bursts and returns what was acknowledged.
fn write(directory: &Path, segment_bytes: u64, bursts: &[Burst]) -> Vec<(Position, Vec<u8>)> {
    let mut acknowledged: Vec<(Position, Vec<u8>)> = Vec::new();
    let mut anchor: Option<Anchor> = None;
    let open = |anchor: Option<Anchor>| Trail::open(directory, Options { segment_bytes }, anchor.as_ref()).unwrap();
    let (mut trail, _) = open(None);
    for burst in bursts {
        let first = acknowledged.len() as u64 + 1;
        let records: Vec<_> = (first..).zip(&burst.lengths).map(|(number, length)| payload(number, *length)).collect();
        let pending: Vec<_> = (first..)
            .zip(&records)
            .map(|(number, record)| trail.append_nowait(id(number), record.clone()).unwrap())
            .collect();
        for (one, record) in pending.into_iter().zip(records) {
            acknowledged.push((runtime().block_on(one).unwrap(), record));
        }
        if burst.reopen {
            anchor = trail.close().unwrap().or(anchor);
            let recovery;
            (trail, recovery) = open(anchor);
            assert_eq!((recovery.records, recovery.torn_tail_bytes), (acknowledged.len() as u64, None));
        }
    }
    assert_eq!(trail.head(), acknowledged.last().map(|(position, _)| (*position).into()));
    acknowledged
}

fn check(directory: &Path, acknowledged: &[(Position, Vec<u8>)]) {
    let last: Option<Anchor> = acknowledged.last().map(|(position, _)| (*position).into());
    let report = verify(directory, last.as_ref()).unwrap();
    assert!(report.is_whole(), "{report}");
    assert_eq!((report.records, report.last), (acknowledged.len() as u64, last));
    assert_eq!(report.segments, segments(directory).len() as u64);
    let entries: Vec<_> = read(directory, ReadFrom::Start).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), acknowledged.len());
    for ((entry, number), (position, record)) in entries.iter().zip(1..).zip(acknowledged) {
        assert_eq!(entry, &(*position, id(number), record.clone()));
        assert_eq!(position.sequence, number);
    }
    let count = entries.len() as u64;
    for from in [1, count / 2 + 1, count, count + 1] {
        let tail: Vec<_> = read(directory, ReadFrom::Sequence(from)).unwrap().map(Result::unwrap).collect();
        assert_eq!(tail, entries[(from.max(1) as usize - 1).min(entries.len())..]);
        let tail: Vec<_> = read(directory, ReadFrom::Last(from)).unwrap().map(Result::unwrap).collect();
        assert_eq!(tail, entries[entries.len().saturating_sub(from as usize)..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn honest_trails_verify(bursts in bursts(), segment_bytes in prop::sample::select(vec![4096_u64, 10_000, 1 << 16])) {
        let directory = tempfile::tempdir().unwrap();
        let acknowledged = write(directory.path(), segment_bytes, &bursts);
        check(directory.path(), &acknowledged);
    }
}

#[test]
fn the_longest_records_get_segments_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = vec![1, RECORD_BYTES_MAX, RECORD_BYTES_MAX, 1, RECORD_BYTES_MAX - 1];
    let acknowledged = write(directory.path(), 4096, &[Burst { lengths, reopen: true }]);
    check(directory.path(), &acknowledged);
}

#[test]
fn a_record_may_fill_a_segment_to_its_last_byte() {
    for spare in [0, 1, 3, 4, 63, 64, 65] {
        let directory = tempfile::tempdir().unwrap();
        let lengths = vec![4096 - 128 - 64 - spare, 50, 50];
        let acknowledged =
            write(directory.path(), 4096, &[Burst { lengths, reopen: true }, Burst { lengths: vec![7], reopen: true }]);
        check(directory.path(), &acknowledged);
    }
}

#[test]
fn knows_which_events_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let trail = crate::format::open(directory.path());
    assert_eq!(trail.contains_since(1, &[id(1)]).unwrap(), []);
    crate::format::append(&trail, &[900; 20]);
    let asked = [id(21), id(20), id(3), id(10), id(3)];
    assert_eq!(trail.contains_since(0, &asked).unwrap(), [id(20), id(3), id(10), id(3)]);
    assert_eq!(trail.contains_since(10, &asked).unwrap(), [id(20), id(10)]);
    assert_eq!(trail.contains_since(11, &asked).unwrap(), [id(20)]);
    assert_eq!(trail.contains_since(21, &asked).unwrap(), []);
    assert_eq!(trail.contains_since(1, &[]).unwrap(), []);
}

/// Many writers at once, segments of a handful of records: the numbers are dense and every caller's record is where
/// it was told.
#[test]
fn rotates_under_load() {
    const TASKS: u64 = 16;
    const EACH: u64 = 30;
    let directory = tempfile::tempdir().unwrap();
    let trail = crate::format::open(directory.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let mut told = Vec::new();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let trail = trail.clone();
                tokio::spawn(async move {
                    let mut told = Vec::new();
                    for number in task * EACH..(task + 1) * EACH {
                        let position = trail.append(id(number), payload(number, 300 + number as usize % 500)).await;
                        told.push((position.unwrap(), number));
                    }
                    told
                })
            })
            .collect();
        for task in tasks {
            told.extend(task.await.unwrap());
        }
    });
    let anchor = trail.close().unwrap().unwrap();
    assert_eq!(anchor.sequence, TASKS * EACH);
    let report = verify(directory.path(), Some(&anchor)).unwrap();
    assert!(report.is_whole(), "{report}");
    assert!(report.segments > 50, "{report}");
    told.sort_by_key(|(position, _)| position.sequence);
    let entries: Vec<_> = read(directory.path(), ReadFrom::Start).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), told.len());
    for (entry, (position, number)) in entries.iter().zip(told) {
        assert_eq!((entry.0, entry.1), (position, id(number)));
    }
}
