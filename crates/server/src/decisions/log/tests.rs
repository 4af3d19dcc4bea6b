//! What is kept, what leaves first, and what is counted.

use std::sync::atomic::Ordering;

use kanuki_store::{BoxFuture, SealError, Sealer, SqliteEngine};
use kanuki_types::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::decisions::{DECISION_BYTES_MAX, DemandNote, DocumentNote, StatementNote};

/// Keeps values as they are; what a seal does is the store's to test.
struct NoSeal;

impl Sealer for NoSeal {
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| value).collect()) })
    }

    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| Some(value)).collect()) })
    }
}

async fn store(directory: &TempDir) -> Store {
    Store::open(Arc::new(SqliteEngine::open(directory.path()).unwrap()), Arc::new(NoSeal)).await.unwrap()
}

fn record(id: &str) -> DecisionRecord {
    DecisionRecord {
        request_id: id.into(),
        time: Timestamp::from_millis(0),
        operation: "kms:Decrypt".into(),
        region: "us-west-2".into(),
        principal: "arn:aws:iam::111122223333:user/alice".into(),
        principal_id: None,
        access_key_id: "AKIAEXAMPLEEXAMPLE23".into(),
        allowed: false,
        message: None,
        demands: Vec::new(),
        shortened: false,
    }
}

fn hand_in(log: &DecisionLog, id: &str) {
    let record = record(id);
    log.note(Box::new(move || record));
}

#[tokio::test]
async fn the_oldest_leave_first_and_a_restart_counts_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    let room_for_ten = record("000").size() * 10;
    for run in 0..3 {
        let (log, writer) = decision_log(store.clone(), false);
        let (stop, stopped) = watch::channel(false);
        let writing = tokio::spawn(writer.with_bytes_max(room_for_ten).run(stopped));
        for number in 0..40 {
            hand_in(&log, &format!("{:03}", run * 40 + number));
        }
        log.flush().await;
        stop.send(true).unwrap();
        writing.await.unwrap();
    }
    for number in 0..120 {
        let found = find(&store, &format!("{number:03}")).await.unwrap();
        assert_eq!(found.is_some(), number >= 110, "{number}");
    }
    let totals = store.get::<DecisionTotals>(&TOTALS).await.unwrap().unwrap().value;
    assert_eq!((totals.first, totals.next, totals.bytes), (110, 120, room_for_ten));
    assert_eq!(store.scan::<Decisions>(&[], None, 500).await.unwrap().len(), 10);
    assert_eq!(store.scan::<DecisionsByRequest>(&[], None, 500).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_full_queue_loses_and_counts_and_never_waits() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    // Nobody writes yet.
    let (log, writer) = decision_log(store.clone(), false);
    let reserved = log.reserve().unwrap();
    for number in 1..QUEUE_MAX + 6 {
        hand_in(&log, &format!("{number}"));
    }
    assert!(log.reserve().is_none(), "what cannot be kept is not even explained");
    assert_eq!(log.lost(), 7);
    reserved.note(record("0"));
    let (stop, stopped) = watch::channel(false);
    stop.send(true).unwrap();
    writer.run(stopped).await;
    for fitted in [0, 1, QUEUE_MAX - 1] {
        assert!(find(&store, &format!("{fitted}")).await.unwrap().is_some(), "{fitted}");
    }
    assert!(find(&store, &format!("{QUEUE_MAX}")).await.unwrap().is_none());
    hand_in(&log, "late");
    assert_eq!(log.lost.load(Ordering::Relaxed), 8, "nobody writes any more");
}

#[test]
fn a_decision_that_is_too_large_keeps_what_decided() {
    let statement = |index, applies| StatementNote {
        index,
        sid: Some("s".repeat(100)),
        effect: "Allow".into(),
        applies,
        principal: Some(vec!["direct".into()]),
        action: applies,
        resource: true,
        conditions: Vec::new(),
    };
    let document = DocumentNote {
        kind: "identity".into(),
        level: 0,
        name: "large".into(),
        statements: (0..2000).map(|index| statement(index, index == 1999)).collect(),
    };
    let demand = DemandNote {
        action: "kms:Decrypt".into(),
        resource: "*".into(),
        decision: "ImplicitDeny".into(),
        by: "default".into(),
        reason: "r".into(),
        documents: vec![document],
        grants: Vec::new(),
        facts: std::collections::BTreeMap::new(),
    };
    let whole = DecisionRecord { demands: vec![demand], ..record("1") };
    assert!(whole.size() > DECISION_BYTES_MAX);
    let kept = whole.shortened();
    assert!(kept.size() <= DECISION_BYTES_MAX && kept.shortened);
    assert_eq!(kept.demands[0].documents[0].statements.iter().map(|it| it.index).collect::<Vec<_>>(), [1999]);
    let small = record("2").shortened();
    assert!(!small.shortened);
}
