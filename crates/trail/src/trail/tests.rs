//! Tests of failing closed: what happens after the disk refused a write or a sync.

use super::*;
use crate::{faults::Fault, verify::verify};

fn id(number: u8) -> EventId {
    EventId([number; 16])
}

fn open(directory: &Path) -> (Trail, Recovery) {
    Trail::open(directory, Options { segment_bytes: SEGMENT_BYTES_MIN }, None).unwrap()
}

/// After the fault: the record at hand fails, later ones fail, and the trail says so.
async fn fails_and_stays_failed(fault: Fault, payload: usize, successes: i64) {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    for number in 0..3 {
        trail.append(id(number), vec![number; 100]).await.unwrap();
    }
    let head = trail.head().unwrap();
    assert_eq!(head.sequence, 3);
    trail.0.shared.faults.arm(fault, successes);
    assert_eq!(trail.append(id(9), vec![9; payload]).await, Err(AppendError::Failed));
    assert!(!trail.is_healthy());
    assert_eq!(trail.failure().unwrap().to_string(), "a fault of the test");
    assert_eq!(trail.head(), Some(head), "what failed is not announced");
    for number in 10..20 {
        assert_eq!(trail.append(id(number), vec![number; 100]).await, Err(AppendError::Failed));
        assert_eq!(trail.append_nowait(id(number), vec![number; 100]).unwrap_err(), AppendError::Failed);
    }
    assert_eq!(trail.clone().close(), Err(AppendError::Failed));
    drop(trail);

    // Every acknowledged record is still there, and the trail goes on.
    let (trail, recovery) = Trail::open(directory.path(), Options { segment_bytes: 4096 }, Some(&head)).unwrap();
    assert!(recovery.records >= 3);
    assert_eq!(trail.contains_since(1, &[id(0), id(1), id(2), id(10)]).unwrap(), [id(0), id(1), id(2)]);
    trail.append(id(30), vec![30; 100]).await.unwrap();
    let last = trail.close().unwrap();
    let report = verify(directory.path(), last.as_ref()).unwrap();
    assert!(report.is_whole(), "{report}");
}

#[tokio::test]
async fn a_failed_write_fails_the_trail_for_good() {
    fails_and_stays_failed(Fault::Write, 100, 0).await;
}

#[tokio::test]
async fn a_failed_sync_fails_the_trail_for_good() {
    fails_and_stays_failed(Fault::Sync, 100, 0).await;
}

#[tokio::test]
async fn a_failed_rotation_fails_the_trail_for_good() {
    // The record does not fit any more: first the header of the next segment is written and synced.
    for fault in [Fault::Write, Fault::Sync] {
        for successes in [0, 1] {
            fails_and_stays_failed(fault, 3800, successes).await;
        }
    }
}

#[tokio::test]
async fn everyone_who_waits_learns_of_the_failure() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    trail.0.shared.faults.arm(Fault::Sync, 0);
    let pending: Vec<_> = (0..50).map(|number| trail.append_nowait(id(number), vec![1; 1000])).collect();
    for one in pending {
        let answer = match one {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        assert_eq!(answer, Err(AppendError::Failed));
    }
}

#[tokio::test]
async fn closing_writes_what_waits_and_refuses_what_comes() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    let pending: Vec<_> = (0..50).map(|number| trail.append_nowait(id(number), vec![1; 1000]).unwrap()).collect();
    let other = trail.clone();
    assert_eq!(trail.close().unwrap().unwrap().sequence, 50);
    for (one, sequence) in pending.into_iter().zip(1..) {
        assert_eq!(one.await.unwrap().sequence, sequence);
    }
    assert_eq!(other.append(id(1), vec![1]).await, Err(AppendError::Closed));
    assert_eq!(other.append_nowait(id(1), vec![1]).unwrap_err(), AppendError::Closed);
    assert!(other.is_healthy());
    assert_eq!(open(directory.path()).1.records, 50);
}

async fn asleep(trail: &Trail) {
    while !trail.0.shared.is_asleep() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// What is ready at once is flushed at once.
#[tokio::test]
async fn calls_that_can_go_on_share_a_flush() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    asleep(&trail).await;
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let trail = trail.clone();
            tokio::spawn(async move { trail.append(id(number), vec![number; 10]).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(trail.close().unwrap().unwrap().sequence, 20);
    let (mut walk, beginning) = crate::walk::Walk::open(directory.path(), 1).unwrap();
    let crate::segment::Beginning::Begun(header) = beginning else { panic!() };
    walk.begin(&header);
    let mut places = Vec::new();
    while let crate::walk::Step::Record(head, _) = walk.step().unwrap() {
        places.push(head.group_place);
    }
    assert_eq!(places, (0..20).collect::<Vec<_>>(), "one group");
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    asleep(&trail).await;
    let mut append = Box::pin(trail.append(id(1), vec![1; 10]));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(append.as_mut().poll(&mut context).is_pending());
    assert!(trail.0.shared.is_asleep());
    drop(append);
    while trail.head().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(trail.head().unwrap().sequence, 1);
}

/// Replay of an outbox must not take a damaged trail for one without the event.
#[tokio::test]
async fn damage_before_the_head_is_no_absence() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = open(directory.path());
    for number in 0..3 {
        trail.append(id(number), vec![number; 100]).await.unwrap();
    }
    let file = directory.path().join("segment-00000000000000000001.ktrail");
    let mut content = std::fs::read(&file).unwrap();
    content[128 + 2 * 164 + 80] ^= 1;
    std::fs::write(&file, content).unwrap();
    let error = trail.contains_since(1, &[id(2)]).unwrap_err();
    assert!(matches!(&error, ReadError::Broken(place) if place.sequence == Some(3)), "{error}");
}

#[test]
fn one_writer_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, recovery) = open(directory.path());
    assert_eq!(recovery, Recovery { records: 0, torn_tail_bytes: None });
    assert!(matches!(Trail::open(directory.path(), Options::default(), None), Err(OpenError::Locked)));
    drop(trail);
    open(directory.path());
}

#[test]
fn refuses_segment_lengths_out_of_bounds() {
    let directory = tempfile::tempdir().unwrap();
    for segment_bytes in [0, SEGMENT_BYTES_MIN - 1, SEGMENT_BYTES_MAX + 1] {
        let opened = Trail::open(directory.path(), Options { segment_bytes }, None);
        assert!(matches!(opened, Err(OpenError::SegmentBytes)));
    }
}

#[test]
fn only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/trail");
    drop(open(&path));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 2, "the lock and one segment");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(&path));
    assert_eq!(mode(&path), 0o700);
}
