//! A disk that takes no more: the trail fails, stays failed, and keeps what it acknowledged.
//!
//! The test runs itself as a child under a limit of the file size, which the system enforces on every write.

use std::{fs, path::Path, process::Command};

use kanuki_trail::{AppendError, Options, RECORD_BYTES_MAX, Trail, verify};

use crate::format::{id, payload, runtime};

const MARK: &str = "full-disk-test-child";
const OPTIONS: Options = Options { segment_bytes: 65_536 };

/// Does nothing unless it was started by the test below, in a directory of its own.
#[test]
#[ignore = "the child of the full-disk test"]
fn full_disk_child() {
    if !Path::new(MARK).exists() {
        return;
    }
    let (trail, _) = Trail::open(Path::new("trail"), OPTIONS, None).unwrap();
    let append = |number, length| runtime().block_on(trail.append(id(number), payload(number, length)));
    for number in 1..=200 {
        append(number, 1000).unwrap();
    }
    // Its segment would be longer than the limit.
    assert_eq!(append(201, RECORD_BYTES_MAX), Err(AppendError::Failed));
    assert!(!trail.is_healthy());
    assert_eq!(trail.failure().unwrap().kind(), std::io::ErrorKind::FileTooLarge);
    assert_eq!(append(202, 1000), Err(AppendError::Failed));
    assert_eq!(trail.head().unwrap().sequence, 200);
    fs::write("done", "").unwrap();
}

#[test]
fn a_full_disk_fails_the_trail_for_good() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(MARK), "").unwrap();
    // 100 or 200 KiB, as the shell counts: more than a usual segment, less than the longest record.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk::full_disk_child", "--ignored", "--test-threads=1"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(directory.path().join("done").exists(), "the child ran to its end");
    let trail = directory.path().join("trail");
    let (opened, recovery) = Trail::open(&trail, OPTIONS, None).unwrap();
    assert_eq!((recovery.records, recovery.torn_tail_bytes), (200, None));
    let unfinished =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().path().extension().is_some_and(|e| e == "new");
    assert!(!fs::read_dir(&trail).unwrap().any(unfinished), "nothing unfinished takes room");
    runtime().block_on(opened.append(id(201), payload(201, RECORD_BYTES_MAX))).unwrap();
    let head = opened.close().unwrap();
    let report = verify(&trail, head.as_ref()).unwrap();
    assert!(report.is_whole(), "{report}");
}
