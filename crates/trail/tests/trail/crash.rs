//! The writer is killed at any moment: every acknowledged record is there, and the chain holds.
//!
//! The test runs itself as a child, appends and prints acknowledgements; the parent kills it.
//! Not here: loss of power, which a killed process does not show.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use kanuki_trail::{Options, ReadFrom, Trail, read, verify};

use crate::format::{id, payload};

const MARK: &str = "crash-test-child";
const ROUNDS: u64 = 24;

/// Does nothing unless it was started by the test below, in a directory of its own.
#[test]
#[ignore = "the child of the crash test"]
fn crash_child() {
    if !Path::new(MARK).exists() {
        return;
    }
    let (trail, _) = Trail::open(Path::new("trail"), Options { segment_bytes: 16_384 }, None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let first = trail.head().map_or(0, |head| head.sequence);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8).map(|task| tokio::spawn(append_for_ever(trail.clone(), first, task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn append_for_ever(trail: Trail, first: u64, task: u64) {
    for number in 0.. {
        // Unique over tasks and restarts.
        let number = (first << 32) | (task << 24) | number;
        let position = trail.append(id(number), payload(number, 100 + number as usize % 700)).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {} {number}", position.sequence).and_then(|()| out.flush()).unwrap();
    }
}

#[test]
fn killed_writers_lose_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(MARK), "").unwrap();
    let trail = directory.path().join("trail");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        // In the first rounds while opening or writing the first records, later anywhere.
        acknowledged.extend(run_and_kill(directory.path(), round * round * 3));
        if round % 3 == 0 {
            check(&trail, &acknowledged);
        }
    }
    check(&trail, &acknowledged);
    assert!(acknowledged.len() > 1000);
}

/// Starts the child and kills it after so many acknowledgements. All that it printed counts.
fn run_and_kill(directory: &Path, enough: u64) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::crash_child", "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    while (acknowledged.len() as u64) < enough {
        let line = lines.next().expect("the child ended by itself").unwrap();
        acknowledged.extend(acknowledgement(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| acknowledgement(&line)));
    acknowledged
}

/// A line may follow on a line of the test runner's own, and the last one may be cut off.
fn acknowledgement(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.split_once("ack ")?;
    let (sequence, number) = rest.split_once(' ')?;
    Some((sequence.parse().ok()?, number.parse().ok()?))
}

fn check(trail: &Path, acknowledged: &[(u64, u64)]) {
    let (opened, recovery) = Trail::open(trail, Options { segment_bytes: 16_384 }, None).unwrap();
    let head = opened.close().unwrap();
    let report = verify(trail, head.as_ref()).unwrap();
    assert!(report.is_whole(), "{report}");
    assert_eq!(report.records, recovery.records);
    let entries: Vec<_> =
        if head.is_some() { read(trail, ReadFrom::Start).unwrap().map(Result::unwrap).collect() } else { Vec::new() };
    for (sequence, number) in acknowledged {
        let (position, event_id, record) = &entries[*sequence as usize - 1];
        assert_eq!((position.sequence, *event_id), (*sequence, id(*number)));
        assert_eq!(record, &payload(*number, record.len()));
    }
}
