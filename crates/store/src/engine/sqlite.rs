//! The embedded engine: one SQLite file in a directory that one process owns.
//!
//! Not here: any SQL that knows what a record means. Not for network file systems, where locks do not hold.
//! Invariants: one thread writes, and answers after the commit is synced and the feed told; readers are never blocked
//! by it; a second process is refused; the file's schema is known, or the engine does not start; of a value whose
//! deletion was acknowledged nothing is left in the directory (`writer.rs` and `schema.rs` say how). What a file
//! system or a drive keeps of overwritten blocks is out of reach.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::{
    BoxFuture, ChangeFeed, Committed, Engine, EngineError, RawEntry, RawRecord, RawWrite, Source, check_scan,
    check_writes,
};

mod directory;
mod schema;
mod queue;
mod readers;
mod writer;

pub use schema::OpenError;

use directory::Directory;
use queue::Queue;

/// The engine. Dropping it waits for the commits that are under way.
#[derive(Debug)]
pub struct SqliteEngine {
    // Dropped in this order: the last connection to close is the writer's, and the lock outlives them all.
    readers: Queue<readers::Job>,
    writer: Queue<writer::Job>,
    feed: ChangeFeed,
    _directory: Directory,
}

impl SqliteEngine {
    /// Opens the store in a directory, or creates both. Blocks while it does; meant for the start of a process.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong; nothing is changed then.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let directory = Directory::lock(directory)?;
        let file = directory.database();
        let connection = schema::open_writer(file)?;
        let feed = ChangeFeed::default();
        let connections = (0..READERS).map(|_| schema::open_reader(file)).collect::<Result<Vec<_>, _>>()?;
        let readers = readers::start(connections).map_err(OpenError::unusable)?;
        let writer = writer::start(connection, feed.clone()).map_err(OpenError::unusable)?;
        Ok(Self { readers, writer, feed, _directory: directory })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (answer, answered) = oneshot::channel();
        let job: readers::Job = Box::new(move |connection| {
            // The caller may have gone; then nobody needs the answer.
            drop(answer.send(read(connection)));
        });
        self.readers.send(job).await.map_err(stopped)?;
        answered.await.map_err(stopped)?.map_err(engine_error)
    }
}

impl Engine for SqliteEngine {
    fn get(&self, keyspace: u8, key: Vec<u8>) -> BoxFuture<'_, Result<Option<RawRecord>, EngineError>> {
        Box::pin(async move {
            check_scan(&key, None, 1).map_err(EngineError::Limit)?;
            self.read(move |connection| readers::get(connection, keyspace, &key)).await
        })
    }

    fn scan(
        &self,
        keyspace: u8,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RawEntry>, EngineError>> {
        Box::pin(async move {
            check_scan(&prefix, after.as_deref(), limit).map_err(EngineError::Limit)?;
            self.read(move |connection| readers::scan(connection, keyspace, prefix, after, limit)).await
        })
    }

    fn commit(&self, writes: Vec<RawWrite>) -> BoxFuture<'_, Result<Committed, EngineError>> {
        Box::pin(async move {
            check_writes(&writes).map_err(EngineError::Limit)?;
            let (answer, answered) = oneshot::channel();
            self.writer.send(writer::Job { writes, answer }).await.map_err(stopped)?;
            answered.await.map_err(stopped)?
        })
    }

    fn changes(&self) -> ChangeFeed {
        self.feed.clone()
    }
}

/// A thread of the engine has ended, which it does only when it is dropped or a listener panics.
fn stopped(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Unavailable(Arc::new(error))
}

fn engine_error(error: rusqlite::Error) -> EngineError {
    let code = error.sqlite_error_code();
    let source: Source = Arc::new(error);
    match code {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => EngineError::Corrupt(source),
        _ => EngineError::Unavailable(source),
    }
}

/// Threads that read, each with its own connection. A point read takes microseconds, so few are enough.
const READERS: usize = 4;

#[cfg(test)]
mod tests;
