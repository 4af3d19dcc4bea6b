//! The trail's files as `format.md` describes them, read and forged without the crate's own code.
//!
//! Not here: any check.
//! Invariant: nothing of the crate is used but its types.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kanuki_trail::{EventId, Options, Position, Trail};
use sha2::{Digest as _, Sha256};

pub(crate) const HEADER: usize = 128;
pub(crate) const HEAD: usize = 64;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) segment: u64,
    pub(crate) offset: usize,
    pub(crate) size: usize,
    pub(crate) sequence: u64,
}

pub(crate) fn name(segment: u64) -> String {
    format!("segment-{segment:020}.ktrail")
}

pub(crate) fn path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(name(segment))
}

/// The numbers of the segments that have begun.
pub(crate) fn segments(directory: &Path) -> Vec<u64> {
    (1..)
        .take_while(|number| path(directory, *number).exists())
        .filter(|number| bytes(directory, *number)[0] != 0)
        .collect()
}

pub(crate) fn bytes(directory: &Path, segment: u64) -> Vec<u8> {
    fs::read(path(directory, segment)).unwrap()
}

/// Changes a segment's bytes.
pub(crate) fn edit(directory: &Path, segment: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = bytes(directory, segment);
    change(&mut content);
    fs::write(path(directory, segment), content).unwrap();
}

/// Every record, by the lengths alone.
pub(crate) fn spots(directory: &Path) -> Vec<Spot> {
    let mut all = Vec::new();
    for segment in segments(directory) {
        let content = bytes(directory, segment);
        let mut offset = HEADER;
        while offset + HEAD <= content.len() {
            let length = u32::from_be_bytes(content[offset..offset + 4].try_into().unwrap()) as usize;
            if length == 0 {
                break;
            }
            let sequence = u64::from_be_bytes(content[offset + 8..offset + 16].try_into().unwrap());
            all.push(Spot { segment, offset, size: HEAD + length, sequence });
            offset += HEAD + length;
        }
    }
    all
}

pub(crate) fn record_hash(previous: &[u8], record: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"kanuki trail: record, version 1\0");
    hash.update(previous);
    hash.update(&record[..32]);
    hash.update(&record[HEAD..]);
    hash.finalize().into()
}

pub(crate) fn header_hash(fields: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"kanuki trail: header, version 1\0");
    hash.update(fields);
    hash.finalize().into()
}

/// Makes every hash right again, in records and headers, as a forger would.
pub(crate) fn rechain(directory: &Path) {
    let mut previous = *b"kanuki trail: the chain's start\0";
    let all = spots(directory);
    for segment in segments(directory) {
        edit(directory, segment, |content| {
            content[40..72].copy_from_slice(&previous);
            seal_header(content);
            for spot in all.iter().filter(|spot| spot.segment == segment) {
                let record = &mut content[spot.offset..spot.offset + spot.size];
                previous = record_hash(&previous, record);
                record[32..64].copy_from_slice(&previous);
            }
        });
    }
}

/// Makes a header's own hash right again.
pub(crate) fn seal_header(content: &mut [u8]) {
    let hash = header_hash(&content[..96]);
    content[96..128].copy_from_slice(&hash);
}

pub(crate) fn id(number: u64) -> EventId {
    let mut bytes = [0xe7; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    EventId(bytes)
}

pub(crate) fn payload(number: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|place| (number.wrapping_mul(31) ^ place.wrapping_mul(17)) as u8 | 1).collect()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

pub(crate) fn open(directory: &Path) -> Trail {
    Trail::open(directory, Options { segment_bytes: 4096 }, None).unwrap().0
}

/// Appends records one after the other, each a group of its own, numbered from the trail's end.
pub(crate) fn append(trail: &Trail, lengths: &[usize]) -> Vec<Position> {
    let first = trail.head().map_or(0, |head| head.sequence) + 1;
    let numbered = (first..).zip(lengths);
    numbered
        .map(|(number, length)| runtime().block_on(trail.append(id(number), payload(number, *length))).unwrap())
        .collect()
}

/// A trail of thirty records in several small segments, each record a group of its own.
pub(crate) fn thirty(directory: &Path) -> Vec<Position> {
    let trail = open(directory);
    let lengths: Vec<_> = (0..30).map(|number| 200 + 37 * (number % 7)).collect();
    let positions = append(&trail, &lengths);
    trail.close().unwrap();
    positions
}

/// A copy of a trail, to be damaged.
pub(crate) fn copy(directory: &Path) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), target.path().join(entry.file_name())).unwrap();
    }
    target
}
