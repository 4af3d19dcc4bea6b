//! What every engine must do, as tests that take an engine: the contract of [`Engine`] in executable form.
//!
//! Not here: what is special to one engine (its files, its locks, its crashes); those tests stand beside it.
//! Invariant: every expectation comes from a plain ordered map, never from the engine under test.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, Weak},
};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::{runtime::Runtime, task::JoinSet};

use super::*;

/// One store of the engine under test.
pub(crate) trait Subject {
    /// Opens it; called again after the engine before has been dropped, on the same data.
    fn open(&self) -> Arc<dyn Engine>;
}

/// Runs the whole contract. `fresh` makes an empty store.
pub(crate) fn conforms<S: Subject>(fresh: impl Fn() -> S) {
    behaves_like_the_model(&fresh);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(compare_and_set_loses_nothing(fresh().open()));
    runtime.block_on(scans_see_whole_transactions(fresh().open()));
    runtime.block_on(limits_hold(fresh().open()));
    runtime.block_on(a_refused_transaction_leaves_nothing(fresh().open()));
}

/// The reference: an ordered map.
#[derive(Debug, Clone, Default)]
struct Model(BTreeMap<(u8, Vec<u8>), RawRecord>);

impl Model {
    fn commit(&mut self, writes: &[RawWrite]) -> bool {
        let holds = writes.iter().all(|write| {
            let version = self.0.get(&(write.keyspace, write.key.clone())).map(|record| record.version);
            match write.expect {
                Expect::Absent => version.is_none(),
                Expect::Any => true,
                Expect::Version(expected) => version == Some(expected),
            }
        });
        for RawWrite { keyspace, key, change, .. } in writes.iter().filter(|_| holds) {
            match change.clone() {
                RawChange::Check => None,
                RawChange::Delete | RawChange::Discard => self.0.remove(&(*keyspace, key.clone())),
                RawChange::Put { version, value } => {
                    self.0.insert((*keyspace, key.clone()), RawRecord { version, value })
                }
            };
        }
        holds
    }

    fn scan(&self, keyspace: u8, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<RawEntry> {
        self.0
            .iter()
            .filter(|((space, key), _)| *space == keyspace && key.starts_with(prefix))
            .filter(|((_, key), _)| after.is_none_or(|after| key.as_slice() > after))
            .map(|((_, key), record)| (key.clone(), record.clone()))
            .take(limit)
            .collect()
    }
}

#[derive(Debug, Clone)]
enum Op {
    Get(u8, Vec<u8>),
    Scan(u8, Vec<u8>, Option<Vec<u8>>, usize),
    /// Several transactions at once: any order of them may win.
    Commit(Vec<Vec<Step>>),
    Reopen,
}

#[derive(Debug, Clone)]
struct Step {
    keyspace: u8,
    key: Vec<u8>,
    expect: ExpectStep,
    change: RawChange,
}

#[derive(Debug, Clone)]
enum ExpectStep {
    Exactly(Expect),
    /// Whatever the model holds just now.
    Current,
}

fn keyspace() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![0, 1, 255])
}

/// Few keys, so that they meet; with the bytes at which order and prefixes go wrong.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0x00, 0x01, b'a', 0xff]), 0..3)
}

fn step() -> impl Strategy<Value = Step> {
    let expect = prop_oneof![
        4 => Just(ExpectStep::Current),
        1 => Just(ExpectStep::Exactly(Expect::Absent)),
        1 => Just(ExpectStep::Exactly(Expect::Any)),
        1 => (1..4u64).prop_map(|version| ExpectStep::Exactly(Expect::Version(version))),
    ];
    let version = prop_oneof![9 => 1..4u64, 1 => Just(VERSION_MAX)];
    let value = prop_oneof![9 => vec(any::<u8>(), 0..8), 1 => vec(any::<u8>(), 3000..9000)];
    let change = prop_oneof![
        4 => (version, value).prop_map(|(version, value)| RawChange::Put { version, value }),
        1 => Just(RawChange::Check),
        1 => Just(RawChange::Delete),
        1 => Just(RawChange::Discard),
    ];
    (keyspace(), key(), expect, change).prop_map(|(keyspace, key, expect, change)| Step {
        keyspace,
        key,
        expect,
        change,
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (keyspace(), key()).prop_map(|(keyspace, key)| Op::Get(keyspace, key)),
        3 => (keyspace(), key(), prop::option::of(key()), 0..6usize)
            .prop_map(|(keyspace, prefix, after, limit)| Op::Scan(keyspace, prefix, after, limit)),
        8 => vec(vec(step(), 0..5), 1..4).prop_map(Op::Commit),
        1 => Just(Op::Reopen),
    ]
}

/// Any sequence of operations answers as the model does, tells the feed what the model changed, and survives
/// reopening.
fn behaves_like_the_model<S: Subject>(fresh: &impl Fn() -> S) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let run = |ops: Vec<Op>| {
        let subject = fresh();
        let mut model = Model::default();
        let (mut engine, mut heard) = open(&subject);
        for op in ops {
            match op {
                Op::Get(keyspace, key) => {
                    let found = runtime.block_on(engine.get(keyspace, key.clone())).unwrap();
                    prop_assert_eq!(found.as_ref(), model.0.get(&(keyspace, key)));
                }
                Op::Scan(keyspace, prefix, after, limit) => {
                    let expected = model.scan(keyspace, &prefix, after.as_deref(), limit);
                    prop_assert_eq!(runtime.block_on(engine.scan(keyspace, prefix, after, limit)).unwrap(), expected);
                }
                Op::Commit(transactions) => {
                    let transactions = transactions.into_iter().map(|steps| resolve(&model, steps)).collect();
                    model = runtime.block_on(commit_together(engine.as_ref(), &heard, &model, transactions))?;
                }
                Op::Reopen => {
                    drop(engine);
                    (engine, heard) = open(&subject);
                }
            }
        }
        prop_assert_eq!(runtime.block_on(contents(engine.as_ref())), model.0);
        Ok(())
    };
    runner.run(&vec(op(), 1..24), run).unwrap();
}

fn open(subject: &impl Subject) -> (Arc<dyn Engine>, Arc<Heard>) {
    let engine = subject.open();
    let heard = Arc::new(Heard::default());
    let listener: Weak<Heard> = Arc::downgrade(&heard);
    engine.changes().subscribe(listener);
    (engine, heard)
}

fn resolve(model: &Model, steps: Vec<Step>) -> Vec<RawWrite> {
    let mut writes: BTreeMap<(u8, Vec<u8>), RawWrite> = BTreeMap::new();
    for Step { keyspace, key, expect, change } in steps {
        let name = (keyspace, key.clone());
        let expect = match expect {
            ExpectStep::Exactly(expect) => expect,
            ExpectStep::Current => model.0.get(&name).map_or(Expect::Absent, |record| Expect::Version(record.version)),
        };
        writes.insert(name, RawWrite { keyspace, key, expect, change });
    }
    writes.into_values().collect()
}

/// Commits transactions at once; the answers and the state afterwards must be those of one order of them. What the
/// feed heard must be what was applied. Answers the model in that order.
async fn commit_together(
    engine: &dyn Engine,
    heard: &Heard,
    model: &Model,
    transactions: Vec<Vec<RawWrite>>,
) -> Result<Model, TestCaseError> {
    let mut pending: Vec<_> = transactions.iter().map(|writes| Some(engine.commit(writes.clone()))).collect();
    let mut answers = vec![None; pending.len()];
    std::future::poll_fn(|context| {
        for (pending, answer) in pending.iter_mut().zip(&mut answers) {
            if let Some(future) = pending
                && let std::task::Poll::Ready(result) = future.as_mut().poll(context)
            {
                *answer = Some(result);
                *pending = None;
            }
        }
        if pending.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    let applied: Vec<bool> = answers
        .into_iter()
        .map(|answer| match answer {
            Some(Ok(Committed)) => true,
            Some(Err(EngineError::Conflict)) => false,
            other => panic!("{other:?}"),
        })
        .collect();
    let mut told = heard.take();
    let changed = transactions.iter().zip(&applied).filter(|(_, applied)| **applied).flat_map(|(writes, _)| writes);
    let changed = changed.filter(|write| write.change != RawChange::Check);
    let mut expected: Vec<_> =
        changed.map(|write| Change { keyspace: write.keyspace, key: write.key.clone() }).collect();
    told.sort();
    expected.sort();
    prop_assert_eq!(told, expected);
    let state = contents(engine).await;
    for order in orders(transactions.len()) {
        let mut candidate = model.clone();
        let outcome = |at: usize| candidate.commit(&transactions[at]) == applied[at];
        if order.into_iter().all(outcome) && candidate.0 == state {
            return Ok(candidate);
        }
    }
    Err(TestCaseError::fail(format!("no order of {transactions:?} gives {applied:?} and {state:?}")))
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    shorter
        .iter()
        .flat_map(|order| {
            (0..=order.len()).map(|at| {
                let mut longer = order.clone();
                longer.insert(at, count - 1);
                longer
            })
        })
        .collect()
}

/// Everything, read in pages of three.
async fn contents(engine: &dyn Engine) -> BTreeMap<(u8, Vec<u8>), RawRecord> {
    let mut all = BTreeMap::new();
    for keyspace in [0, 1, 255] {
        let mut after = None;
        loop {
            let page = engine.scan(keyspace, vec![], after.clone(), 3).await.unwrap();
            let full = page.len() == 3;
            after = page.last().map(|(key, _)| key.clone());
            all.extend(page.into_iter().map(|(key, record)| ((keyspace, key), record)));
            if !full {
                break;
            }
        }
    }
    all
}

#[derive(Default)]
struct Heard(Mutex<Vec<Change>>);

impl Heard {
    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl ChangeListener for Heard {
    fn changed(&self, changes: &[Change]) {
        self.0.lock().unwrap().extend_from_slice(changes);
    }

    fn interrupted(&self) {}

    fn resumed(&self) {}
}

fn put(key: &[u8], expect: Expect, version: u64, value: &[u8]) -> RawWrite {
    RawWrite { keyspace: 1, key: key.to_vec(), expect, change: RawChange::Put { version, value: value.to_vec() } }
}

/// Many tasks count up two counters by compare-and-set; each success counts once.
async fn compare_and_set_loses_nothing(engine: Arc<dyn Engine>) {
    let mut tasks = JoinSet::new();
    for task in 0..8u8 {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            for _ in 0..25 {
                count_up(engine.as_ref(), &[task % 2]).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for counter in [0, 1] {
        let record = engine.get(1, vec![counter]).await.unwrap().unwrap();
        assert_eq!((record.version, record.value), (100, vec![100]));
    }
}

async fn count_up(engine: &dyn Engine, key: &[u8]) {
    loop {
        let seen = engine.get(1, key.to_vec()).await.unwrap();
        let write = match &seen {
            None => put(key, Expect::Absent, 1, &[1]),
            Some(RawRecord { version, value }) => put(key, Expect::Version(*version), version + 1, &[value[0] + 1]),
        };
        match engine.commit(vec![write]).await {
            Ok(Committed) => return,
            Err(EngineError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Transfers between two accounts never change the sum that a scan sees, and a read after a commit sees it.
async fn scans_see_whole_transactions(engine: Arc<dyn Engine>) {
    engine.commit(vec![put(b"a", Expect::Absent, 1, &[100]), put(b"b", Expect::Absent, 1, &[100])]).await.unwrap();
    let writing = Arc::clone(&engine);
    let writer = tokio::spawn(async move {
        for version in 1..=100u8 {
            let next = u64::from(version) + 1;
            let expect = Expect::Version(version.into());
            let writes = vec![put(b"a", expect, next, &[100 - version]), put(b"b", expect, next, &[100 + version])];
            writing.commit(writes).await.unwrap();
            assert_eq!(writing.get(1, b"a".to_vec()).await.unwrap().unwrap().version, next);
        }
    });
    let mut seen = 0;
    while !writer.is_finished() || seen == 0 {
        let records = engine.scan(1, vec![], None, 10).await.unwrap();
        let sum: u32 = records.iter().map(|(_, record)| u32::from(record.value[0])).sum();
        assert_eq!(sum, 200);
        seen += 1;
    }
    writer.await.unwrap();
}

/// Limits are held before anything is done.
async fn limits_hold(engine: Arc<dyn Engine>) {
    let limit = |error: EngineError| match error {
        EngineError::Limit(limit) => limit,
        other => panic!("{other:?}"),
    };
    let long = vec![b'k'; KEY_BYTES_MAX];
    let longer = vec![b'k'; KEY_BYTES_MAX + 1];
    let value = vec![7; VALUE_BYTES_MAX];
    engine.commit(vec![put(&long, Expect::Absent, 1, &value)]).await.unwrap();
    assert_eq!(engine.get(1, long.clone()).await.unwrap().unwrap().value, value);
    assert_eq!(engine.scan(1, long, None, SCAN_LIMIT_MAX).await.unwrap().len(), 1);
    for write in [put(&longer, Expect::Any, 1, b""), put(b"k", Expect::Any, 1, &vec![7; VALUE_BYTES_MAX + 1])] {
        limit(engine.commit(vec![put(b"first", Expect::Any, 1, b""), write]).await.unwrap_err());
    }
    assert_eq!(engine.get(1, b"first".to_vec()).await.unwrap(), None);
    assert_eq!(limit(engine.get(1, longer.clone()).await.unwrap_err()), LimitError::Key);
    assert_eq!(limit(engine.scan(1, longer, None, 1).await.unwrap_err()), LimitError::Key);
    assert_eq!(limit(engine.scan(1, vec![], None, SCAN_LIMIT_MAX + 1).await.unwrap_err()), LimitError::Scan);
}

/// One expectation in the middle does not hold: neither the members before nor those behind are applied.
async fn a_refused_transaction_leaves_nothing(engine: Arc<dyn Engine>) {
    engine.commit(vec![put(b"m", Expect::Absent, 1, b"old")]).await.unwrap();
    let check = RawWrite { keyspace: 1, key: b"m".to_vec(), expect: Expect::Version(2), change: RawChange::Check };
    for refused in [put(b"m", Expect::Absent, 2, b"new"), put(b"m", Expect::Version(2), 3, b"new"), check] {
        let writes = vec![put(b"a", Expect::Absent, 1, b""), refused, put(b"z", Expect::Absent, 1, b"")];
        assert!(matches!(engine.commit(writes).await, Err(EngineError::Conflict)));
        let left = engine.scan(1, vec![], None, 10).await.unwrap();
        assert_eq!(left, [(b"m".to_vec(), RawRecord { version: 1, value: b"old".to_vec() })]);
    }
}
