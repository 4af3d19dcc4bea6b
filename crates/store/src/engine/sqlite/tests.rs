//! What is particular to SQLite: the file, its lock, its schema, its scrubbing.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{Mutex, Weak},
};

use tempfile::TempDir;

use super::{
    schema::{APPLICATION_ID, LOCAL_BYTES_MAX},
    *,
};
use crate::{Change, ChangeListener, Expect, KEY_BYTES_MAX, RawChange, engine::conformance};

mod crash;

struct Directory(TempDir);

impl conformance::Subject for Directory {
    fn open(&self) -> Arc<dyn Engine> {
        Arc::new(SqliteEngine::open(self.0.path()).unwrap())
    }
}

#[test]
fn conforms() {
    conformance::conforms(|| Directory(tempfile::tempdir().unwrap()));
}

fn put(key: &[u8], value: &[u8]) -> RawWrite {
    RawWrite {
        keyspace: 1,
        key: key.to_vec(),
        expect: Expect::Any,
        change: RawChange::Put { version: 1, value: value.to_vec() },
    }
}

fn remove(key: &[u8], change: RawChange) -> RawWrite {
    RawWrite { keyspace: 1, key: key.to_vec(), expect: Expect::Any, change }
}

fn raw(directory: &Path) -> Connection {
    Connection::open(directory.join(directory::DATABASE_FILE)).unwrap()
}

#[tokio::test]
async fn a_second_opening_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    let refused = SqliteEngine::open(directory.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    engine.commit(vec![put(b"k", b"v")]).await.unwrap();
    drop(engine);
    let engine = SqliteEngine::open(directory.path()).unwrap();
    assert_eq!(engine.get(1, b"k".to_vec()).await.unwrap().unwrap().value, b"v");
}

#[test]
fn refuses_what_it_does_not_know() {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteEngine::open(directory.path()).unwrap());
    let open = || SqliteEngine::open(directory.path());
    let number = |sql: &str| raw(directory.path()).query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("pragma application_id"), APPLICATION_ID);
    assert_eq!(number("pragma user_version"), 1);

    raw(directory.path()).execute_batch("pragma user_version = 2").unwrap();
    assert!(matches!(open(), Err(OpenError::Newer { found: 2, known: 1 })));
    assert_eq!(number("pragma user_version"), 2);
    raw(directory.path()).execute_batch("pragma user_version = 1; pragma application_id = 7").unwrap();
    assert!(matches!(open(), Err(OpenError::Foreign { .. })));
    raw(directory.path()).execute_batch(&format!("pragma application_id = {APPLICATION_ID}")).unwrap();
    open().unwrap();

    fs::write(directory.path().join(directory::DATABASE_FILE), b"no database, and long enough to be read as one")
        .unwrap();
    assert!(matches!(open(), Err(OpenError::Unusable(_))));
    let other = tempfile::tempdir().unwrap();
    raw(other.path()).execute_batch("create table theirs (a)").unwrap();
    assert!(matches!(SqliteEngine::open(other.path()), Err(OpenError::Foreign { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_the_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new");
    let engine = SqliteEngine::open(&directory).unwrap();
    engine.commit(vec![put(b"k", b"v")]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    files.iter().for_each(|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
}

#[tokio::test]
async fn commits_are_synced_and_logged() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(directory::DATABASE_FILE);
    fs::write(&file, b"").unwrap();
    let connection = schema::open_writer(&file).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("pragma synchronous"), 2);
    assert_eq!(number("pragma secure_delete"), 1);
    assert_eq!(number("pragma temp_store"), 2);
    let mode: String = connection.query_row("pragma journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let reader = schema::open_reader(&file).unwrap();
    assert!(reader.execute("delete from records", []).is_err());
}

#[tokio::test]
async fn triggers_put_into_the_file_do_not_run() {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteEngine::open(directory.path()).unwrap());
    raw(directory.path())
        .execute_batch("create trigger evil after insert on records begin delete from records; end")
        .unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    engine.commit(vec![put(b"k", b"v")]).await.unwrap();
    assert!(engine.get(1, b"k".to_vec()).await.unwrap().is_some());
}

/// Holds the writer in the feed, so that what is sent meanwhile becomes one batch.
#[derive(Default)]
struct Gate(Mutex<()>);

impl ChangeListener for Gate {
    fn changed(&self, _: &[Change]) {
        drop(self.0.lock().unwrap());
    }

    fn interrupted(&self) {}

    fn resumed(&self) {}
}

/// Sends transactions while the writer is held at the first, so that the rest become one batch; answers all.
async fn commit_as_a_batch(
    engine: &SqliteEngine,
    transactions: Vec<Vec<RawWrite>>,
) -> Vec<Result<Committed, EngineError>> {
    let gate = Arc::new(Gate::default());
    let listener: Weak<Gate> = Arc::downgrade(&gate);
    engine.changes().subscribe(listener);
    let mut commits = Vec::new();
    {
        let _closed = gate.0.lock().unwrap();
        for writes in transactions {
            let mut commit = engine.commit(writes);
            // The first poll sends it.
            assert!(poll_once(commit.as_mut()).is_pending());
            commits.push(commit);
        }
    }
    let mut answers = Vec::new();
    for commit in commits {
        answers.push(commit.await);
    }
    answers
}

#[tokio::test]
async fn a_conflict_in_a_batch_concerns_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    let transaction = |number: u8| {
        let expect = if number % 3 == 1 { Expect::Version(9) } else { Expect::Absent };
        vec![put(&[number, 0], b"v"), RawWrite { expect, ..put(&[number, 1], b"v") }]
    };
    let answers = commit_as_a_batch(&engine, (0..30).map(transaction).collect()).await;
    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 3 != 1, "{number}");
    }
    let present: Vec<_> = engine.scan(1, vec![], None, 100).await.unwrap().into_iter().map(|(key, _)| key).collect();
    let expected: Vec<_> =
        (0..30u8).filter(|number| number % 3 != 1).flat_map(|number| [vec![number, 0], vec![number, 1]]).collect();
    assert_eq!(present, expected);
}

#[tokio::test]
async fn a_transaction_that_does_not_fit_the_disk_concerns_nobody_else() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = directory::Directory::lock(temporary.path()).unwrap();
    let connection = schema::open_writer(directory.database()).unwrap();
    connection.pragma_update_and_check(None, "max_page_count", 200, |_| Ok(())).unwrap();
    let feed = ChangeFeed::default();
    let readers = readers::start(vec![schema::open_reader(directory.database()).unwrap()]).unwrap();
    let writer = writer::start(connection, feed.clone()).unwrap();
    let engine = SqliteEngine { readers, writer, feed, _directory: directory };
    let transaction = |number: u8| {
        let value = vec![number; if number == 5 { 500_000 } else { 100 }];
        vec![put(&[number, 0], b"before"), put(&[number, 1], &value)]
    };
    let answers = commit_as_a_batch(&engine, (0..10).map(transaction).collect()).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(Committed) => assert_ne!(number, 5),
            Err(EngineError::Unavailable(_)) => assert_eq!(number, 5),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(engine.scan(1, vec![], None, 100).await.unwrap().len(), 18);
    assert!(engine.scan(1, vec![5], None, 100).await.unwrap().is_empty());
}

fn poll_once<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn commits_under_way_survive_the_drop() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    for number in 0..50u8 {
        let mut commit = engine.commit(vec![put(&[number], b"v")]);
        assert!(poll_once(commit.as_mut()).is_pending());
    }
    drop(engine);
    let engine = SqliteEngine::open(directory.path()).unwrap();
    assert_eq!(engine.scan(1, vec![], None, 100).await.unwrap().len(), 50);
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    for number in 0..200u8 {
        engine.commit(vec![put(&[number], &[number; 500])]).await.unwrap();
    }
    drop(engine);
    let file = directory.path().join(directory::DATABASE_FILE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    let error = engine.scan(1, vec![], None, 1000).await.unwrap_err();
    assert!(matches!(error, EngineError::Corrupt(_)), "{error:?}");
}

/// All eight-byte windows of all files but the index of the log, which holds page numbers only.
fn windows(directory: &Path) -> HashSet<[u8; 8]> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.to_string_lossy().ends_with("-shm"));
    paths.flat_map(|path| fs::read(path).unwrap().array_windows().copied().collect::<Vec<[u8; 8]>>()).collect()
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Every value begins with a number of its own. Records come and go until the tree has been balanced many times; then
/// no number of a record that is gone or was replaced may be left in the directory.
#[tokio::test]
async fn deleted_values_leave_nothing_in_the_files() {
    let state = &mut 0x0dd0_5eed_0dd0_5eed;
    for size in [8, 200, 1200, 4000] {
        let directory = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(directory.path()).unwrap();
        let (mut live, mut gone) = (Vec::<(Vec<u8>, u64)>::new(), Vec::new());
        for _ in 0..40 {
            let mut writes = Vec::new();
            for _ in 0..60 {
                let key = random(state).to_be_bytes().repeat(1 + random(state) as usize % 4);
                writes.push(marked(&key, size, random(state), &mut live));
            }
            for _ in 0..live.len().min(10) {
                let (key, marker) = live.swap_remove(random(state) as usize % live.len());
                if writes.iter().all(|write| write.key != key) {
                    gone.push(marker);
                    writes.push(marked(&key, size, random(state), &mut live));
                } else {
                    live.push((key, marker));
                }
            }
            engine.commit(writes).await.unwrap();
            let mut writes = Vec::new();
            for _ in 0..50 {
                let (key, marker) = live.swap_remove(random(state) as usize % live.len());
                gone.push(marker);
                writes.push(remove(&key, RawChange::Delete));
            }
            engine.commit(writes).await.unwrap();
        }
        let left = windows(directory.path());
        let found = |marker: &u64| left.contains(&marker.to_be_bytes());
        assert!(live.iter().all(|(_, marker)| found(marker)), "the search finds nothing");
        assert_eq!(gone.iter().filter(|marker| found(marker)).count(), 0, "of {} at size {size}", gone.len());
    }
}

fn marked(key: &[u8], size: usize, marker: u64, live: &mut Vec<(Vec<u8>, u64)>) -> RawWrite {
    live.push((key.to_vec(), marker));
    let mut value = marker.to_be_bytes().to_vec();
    value.resize(size, 7);
    put(key, &value)
}

fn log_bytes(directory: &Path) -> u64 {
    fs::metadata(directory.join(format!("{}-wal", directory::DATABASE_FILE))).unwrap().len()
}

#[tokio::test]
async fn replaced_and_discarded_values_go_when_the_queue_is_idle_or_dropped() {
    for idle in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(directory.path()).unwrap();
        for round in 0..3u8 {
            engine.commit(vec![put(b"replaced", &[b"replaced".as_slice(), &[round]].concat())]).await.unwrap();
        }
        engine.commit(vec![put(b"other", b"discards")]).await.unwrap();
        engine.commit(vec![remove(b"other", RawChange::Discard)]).await.unwrap();
        if idle {
            while log_bytes(directory.path()) > 0 {
                std::thread::yield_now();
            }
        }
        let _kept_open = idle.then_some(engine);
        assert!(!windows(directory.path()).contains(b"discards"));
        assert!(windows(directory.path()).contains(b"eplaced\x02"));
        assert!(!windows(directory.path()).contains(b"eplaced\x01"));
    }
}

#[tokio::test]
async fn the_log_stays_bounded_without_a_pause() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    let mut longest = 0;
    for round in 0..300u32 {
        engine.commit(vec![put(b"k", &round.to_be_bytes().repeat(1000))]).await.unwrap();
        longest = longest.max(log_bytes(directory.path()));
    }
    // Each batch writes less than ten pages.
    assert!((10_000..700_000).contains(&longest), "{longest}");
}

#[tokio::test]
async fn a_program_that_reads_the_file_delays_the_cut_and_no_commit_fails() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    engine.commit(vec![put(b"k", b"discards")]).await.unwrap();
    let mut outside = raw(directory.path());
    let reading = outside.transaction().unwrap();
    let count: i64 = reading.query_row("select count(*) from records", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    for _ in 0..3 {
        engine.commit(vec![put(b"k", b"anything")]).await.unwrap();
        engine.commit(vec![remove(b"k", RawChange::Delete)]).await.unwrap();
    }
    drop(reading);
    engine.commit(vec![remove(b"k", RawChange::Delete)]).await.unwrap();
    assert_eq!(log_bytes(directory.path()), 0);
    assert!(!windows(directory.path()).contains(b"discards"));
}

/// The padding follows from SQLite's file format; this test asks SQLite itself.
#[tokio::test]
async fn values_lie_outside_the_tree() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(directory.path()).unwrap();
    for key_bytes in [0, 1, 100, LOCAL_BYTES_MAX as usize, KEY_BYTES_MAX] {
        for value_bytes in [16, 300, 1000, 1020, 2000, 3000] {
            let key = vec![b'k'; key_bytes];
            engine.commit(vec![put(&key, &b"value---".repeat(value_bytes / 8))]).await.unwrap();
            let connection = raw(directory.path());
            let tree: Vec<i64> = connection
                .prepare("select pageno from dbstat where name = 'records' and pagetype <> 'overflow'")
                .unwrap()
                .query_map([], |row| row.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            drop(connection);
            assert!(!tree.is_empty());
            engine.commit(vec![remove(b"none", RawChange::Delete)]).await.unwrap();
            let bytes = fs::read(directory.path().join(directory::DATABASE_FILE)).unwrap();
            for page in tree {
                let page = &bytes[(page as usize - 1) * 1024..page as usize * 1024];
                assert!(!page.windows(8).any(|window| window == b"value---"), "{key_bytes} {value_bytes}");
            }
            engine.commit(vec![remove(&key, RawChange::Delete)]).await.unwrap();
        }
    }
}
