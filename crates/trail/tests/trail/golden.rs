//! The golden trail of format version 1: it verifies for ever, and it is what is written today.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kanuki_trail::{Anchor, Options, ReadFrom, Trail, read, verify};

use crate::format::{append, path, segments};

/// `vectors/trail/v1` of the repository.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/trail/v1")
}

/// Twelve records in segments of 4 KiB, one group each.
fn write(directory: &Path) -> Anchor {
    let (trail, _) = Trail::open(directory, Options { segment_bytes: 4096 }, None).unwrap();
    append(&trail, &[1, 700, 700, 700, 700, 700, 700, 64, 1500, 1500, 3900, 10]);
    trail.close().unwrap().unwrap()
}

#[test]
fn verifies_for_ever() {
    let anchor: Anchor = serde_json::from_slice(&fs::read(golden().join("anchor.json")).unwrap()).unwrap();
    let report = verify(&golden(), Some(&anchor)).unwrap();
    assert!(report.is_whole(), "{report}");
    assert_eq!((report.records, report.segments, report.last), (12, 5, Some(anchor)));
    let entries: Vec<_> = read(&golden(), ReadFrom::Start).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.len(), 12);
    assert_eq!(entries[11].2, crate::format::payload(12, 10));
}

#[test]
fn is_what_is_written_today() {
    let directory = tempfile::tempdir().unwrap();
    let anchor = write(directory.path());
    assert_eq!(fs::read(golden().join("anchor.json")).unwrap(), serde_json::to_vec(&anchor).unwrap());
    assert_eq!(segments(directory.path()), segments(&golden()));
    for segment in segments(directory.path()) {
        assert_eq!(fs::read(path(directory.path(), segment)).unwrap(), fs::read(path(&golden(), segment)).unwrap());
    }
}

/// Writes the golden trail; a changed one is a new version of the format, beside this one.
#[test]
#[ignore = "writes golden data"]
fn regenerate() {
    let directory = tempfile::tempdir().unwrap();
    let anchor = write(directory.path());
    fs::create_dir_all(golden()).unwrap();
    for segment in segments(directory.path()) {
        fs::copy(path(directory.path(), segment), path(&golden(), segment)).unwrap();
    }
    fs::write(golden().join("anchor.json"), serde_json::to_vec(&anchor).unwrap()).unwrap();
}
