//! The threads that read, and the statements they read with.
//!
//! Not a place for writes: the connections are read-only.
//! Invariant: each read sees one instant, which is no older than the last commit that had returned when it began.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::queue::{Queue, Waiting};
use crate::{RawEntry, RawRecord};

/// A read that answers for itself.
pub(super) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Starts one thread per connection over a common queue.
pub(super) fn start(connections: Vec<Connection>) -> io::Result<Queue<Job>> {
    let (mut queue, receiver) = Queue::new(QUEUE_LENGTH_MAX);
    let receiver = Arc::new(Mutex::new(receiver));
    for connection in connections {
        let receiver = Arc::clone(&receiver);
        queue.spawn("store-read", move || {
            while let Some(Waiting { job, .. }) = next(&receiver) {
                job(&connection);
            }
        })?;
    }
    Ok(queue)
}

/// One idle thread waits in the channel, the others for the channel.
fn next(receiver: &Mutex<mpsc::Receiver<Waiting<Job>>>) -> Option<Waiting<Job>> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// The record under a key.
pub(super) fn get(connection: &Connection, keyspace: u8, key: &[u8]) -> rusqlite::Result<Option<RawRecord>> {
    connection
        .prepare_cached("select version, value from records where keyspace = ?1 and key = ?2")?
        .query_row(params![keyspace, key], |row| record(row, 0))
        .optional()
}

/// Records of a range of keys, in order.
pub(super) fn scan(
    connection: &Connection,
    keyspace: u8,
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    limit: usize,
) -> rusqlite::Result<Vec<RawEntry>> {
    let end = successor(&prefix);
    // The smallest key behind `after` is `after` with a zero.
    let start = after.map_or_else(Vec::new, |mut key| {
        key.push(0);
        key
    });
    let start = start.max(prefix);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = |row: &Row<'_>| Ok((row.get(0)?, record(row, 1)?));
    match end {
        Some(end) => connection
            .prepare_cached(
                "select key, version, value from records
                 where keyspace = ?1 and key >= ?2 and key < ?3 order by key limit ?4",
            )?
            .query_map(params![keyspace, start, end, limit], found)?
            .collect(),
        None => connection
            .prepare_cached(
                "select key, version, value from records
                 where keyspace = ?1 and key >= ?2 order by key limit ?3",
            )?
            .query_map(params![keyspace, start, limit], found)?
            .collect(),
    }
}

/// The smallest key behind all keys that begin with a prefix; none if there is no such key.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

fn record(row: &Row<'_>, column: usize) -> rusqlite::Result<RawRecord> {
    // A negative version was written by somebody else; as a number beyond all versions it fits no seal.
    Ok(RawRecord { version: row.get::<_, i64>(column)?.cast_unsigned(), value: row.get(column + 1)? })
}

/// Most reads that wait for a thread; callers beyond wait for a place.
const QUEUE_LENGTH_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_prefix() {
        for (prefix, end) in [
            (&b""[..], None),
            (b"\xff\xff", None),
            (b"a", Some(&b"b"[..])),
            (b"a\xff", Some(b"b")),
            (b"\x00", Some(b"\x01")),
            (b"\xfe\xff\x00", Some(b"\xfe\xff\x01")),
        ] {
            assert_eq!(successor(prefix).as_deref(), end, "{}", prefix.escape_ascii());
        }
    }
}
