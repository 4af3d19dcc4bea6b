//! Acknowledged means durable: a process is killed while it commits, and its store is looked at.
//!
//! Not power loss: a killed process loses nothing that the operating system has, synced or not.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use super::*;
use crate::RawRecord;

const ROUNDS: u64 = 40;
const TASKS: u8 = 4;
/// Records that a task keeps.
const WINDOW: u64 = 8;

/// Kills the child at some acknowledgement, `ROUNDS` times over one directory. After each, the counter of each task
/// is at or beyond what was acknowledged, and the records are exactly those that belong to the counter.
#[test]
fn acknowledged_commits_survive_kill() {
    let directory = tempfile::tempdir().unwrap();
    let state = &mut 0x00c0_ffee_00c0_ffee;
    let mut counters = [0; TASKS as usize];
    for _ in 0..ROUNDS {
        let acknowledged = run_and_kill(directory.path(), 1 + random(state) % 60);
        for (task, number) in acknowledged {
            counters[usize::from(task)] = number;
        }
        check(directory.path(), &mut counters);
    }
    assert!(counters.iter().all(|counter| *counter > ROUNDS), "{counters:?}");
}

/// The acknowledgements of one child, in order.
fn run_and_kill(directory: &Path, lines: u64) -> Vec<(u8, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::sqlite::tests::crash::child", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", directory.display()).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    // What stands in the pipe after the kill was acknowledged too, but for a last line that is not whole.
    while output.read_line(&mut line).unwrap() > 0 {
        if let Some((task, number)) = line.strip_suffix(" ok\n").and_then(|line| line.split_once(' ')) {
            acknowledged.push((task.parse().unwrap(), number.parse().unwrap()));
            if acknowledged.len() as u64 == lines {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(acknowledged.len() as u64 >= lines, "the child ended by itself");
    acknowledged
}

fn check(directory: &Path, counters: &mut [u64; TASKS as usize]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = SqliteEngine::open(directory).unwrap();
    for (task, acknowledged) in (0..TASKS).zip(counters) {
        let counter = runtime.block_on(engine.get(0, vec![task])).unwrap().map_or(0, |record| record.version);
        assert!(counter >= *acknowledged, "task {task}: {acknowledged} was acknowledged, {counter} is there");
        *acknowledged = counter;
        let expected: Vec<_> = (counter.saturating_sub(WINDOW - 1).max(1)..=counter)
            .map(|number| (key(task, number), RawRecord { version: number, value: value(number) }))
            .collect();
        for keyspace in [1, 2] {
            let found = runtime.block_on(engine.scan(keyspace, vec![task], None, 100)).unwrap();
            assert_eq!(found, expected, "task {task}, keyspace {keyspace}");
        }
    }
}

/// Not a test: what the test above runs and kills. It is told the directory on its input.
#[test]
#[ignore = "the process that the crash test starts"]
fn child() {
    let mut directory = String::new();
    std::io::stdin().read_line(&mut directory).unwrap();
    if directory.is_empty() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = Arc::new(SqliteEngine::open(Path::new(directory.trim_end())).unwrap());
    let tasks: Vec<_> = (0..TASKS).map(|task| runtime.spawn(commit_for_ever(Arc::clone(&engine), task))).collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

/// Commits a counter, two new records and the removal of two old ones, acknowledges, and so on.
async fn commit_for_ever(engine: Arc<SqliteEngine>, task: u8) {
    let mut number = engine.get(0, vec![task]).await.unwrap().map_or(0, |record| record.version);
    loop {
        number += 1;
        let mut writes = vec![RawWrite {
            keyspace: 0,
            key: vec![task],
            expect: if number == 1 { Expect::Absent } else { Expect::Version(number - 1) },
            change: RawChange::Put { version: number, value: vec![] },
        }];
        for keyspace in [1, 2] {
            let change = RawChange::Put { version: number, value: value(number) };
            writes.push(RawWrite { keyspace, key: key(task, number), expect: Expect::Absent, change });
            if number > WINDOW {
                let expect = Expect::Version(number - WINDOW);
                let change = if keyspace == 1 { RawChange::Delete } else { RawChange::Discard };
                writes.push(RawWrite { keyspace, key: key(task, number - WINDOW), expect, change });
            }
        }
        engine.commit(writes).await.unwrap();
        println!("{task} {number} ok");
    }
}

fn key(task: u8, number: u64) -> Vec<u8> {
    [&[task][..], &number.to_be_bytes()].concat()
}

fn value(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(1 + usize::try_from(number % 300).unwrap())
}
