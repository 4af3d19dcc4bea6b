//! Connections, and the one place where the database's schema is known and brought up to date.
//!
//! Not here: statements over records.
//! Invariants: a connection that leaves here belongs to a database of this program in the newest known form; a
//! database of another program or of a newer version is left as it was.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use crate::Source;

/// The connection that writes.
pub(super) fn open_writer(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(OpenError::unusable)?;
    defend(&connection).map_err(OpenError::unusable)?;
    // Counts for a file that is empty still.
    connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(OpenError::unusable)?;
    migrate(&mut connection, file)?;
    make_durable(&connection).map_err(OpenError::unusable)?;
    Ok(connection)
}

/// A connection that reads. The writer's must be open.
pub(super) fn open_reader(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(OpenError::unusable)?;
    defend(&connection).map_err(OpenError::unusable)?;
    Ok(connection)
}

/// Whoever can edit the file can put triggers and views into it; they are never run.
fn defend(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "trusted_schema", false)
}

fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| match row.get::<_, String>(0)?.as_str() {
        "wal" => Ok(()),
        _ => Err(rusqlite::Error::InvalidQuery),
    })?;
    // Every commit is synced, on Apple's systems through the drive's cache too.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // Deleted and replaced bytes are zeroed where they stood; `writer.rs` says what becomes of the log. Free pages are
    // zeroed too and wait for reuse, so the file need not shrink and `auto_vacuum` stays off.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    // Savepoints keep what they may have to restore; it stays in memory instead of a temporary file.
    connection.pragma_update(None, "temp_store", "memory")
}

/// Brings the schema up to date, or refuses.
fn migrate(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(OpenError::unusable)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get(0)).map_err(OpenError::unusable);
    let application: i64 = number("pragma application_id")?;
    let found: i64 = number("pragma user_version")?;
    let tables: i64 = number("select count(*) from sqlite_schema")?;
    let empty = application == 0 && found == 0 && tables == 0;
    if application != APPLICATION_ID && !empty {
        return Err(OpenError::Foreign { path: file.to_owned() });
    }
    let known = i64::try_from(MIGRATIONS.len()).map_err(OpenError::unusable)?;
    let steps = usize::try_from(found).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(steps) = steps else { return Err(OpenError::Newer { found, known }) };
    for step in steps {
        transaction.execute_batch(step).map_err(OpenError::unusable)?;
    }
    if !steps.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(OpenError::unusable)?;
        transaction.pragma_update(None, "user_version", known).map_err(OpenError::unusable)?;
    }
    transaction.commit().map_err(OpenError::unusable)
}

/// Why a store cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory or a file in it cannot be created, opened or locked.
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is another program's database.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or this one, has the directory open.
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The database was written by a newer version of this program.
    Newer {
        /// The schema version found.
        found: i64,
        /// The newest schema version known.
        known: i64,
    },
    /// The file is no database, or it cannot be used.
    Unusable(Source),
}

impl OpenError {
    pub(super) fn unusable(source: impl error::Error + Send + Sync + 'static) -> Self {
        Self::Unusable(Arc::new(source))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path, source } => write!(f, "cannot use the directory `{}`: {source}", path.display()),
            Self::Foreign { path } => write!(f, "`{}` belongs to another program", path.display()),
            Self::Locked { path } => write!(f, "the directory `{}` is in use by another process", path.display()),
            Self::Newer { found, known } => {
                write!(f, "the store has schema version {found}, this program knows versions up to {known}")
            }
            Self::Unusable(source) => write!(f, "the store's database cannot be used: {source}"),
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Directory { source, .. } => Some(source),
            Self::Unusable(source) => Some(source.as_ref()),
            Self::Foreign { .. } | Self::Locked { .. } | Self::Newer { .. } => None,
        }
    }
}

/// `KNKI`: marks the file as a database of this program.
pub(super) const APPLICATION_ID: i64 = 0x4b4e_4b49;

/// The steps from an empty file to the newest schema; the schema version is the number of steps done. Steps are only
/// ever added.
const MIGRATIONS: &[&str] = &["
    create table records (
        keyspace integer not null check (keyspace between 0 and 255),
        key blob not null,
        version integer not null,
        padding blob not null,
        value blob not null,
        primary key (keyspace, key)
    ) strict, without rowid;
"];

/// Size of a page. Small, because it decides over the padding and over what a small change writes.
const PAGE_BYTES: i64 = 1024;

/// Bytes of key and padding together, so that no byte of a value lies in a page of the tree.
///
/// SQLite moves the cells of a tree from page to page to keep it balanced, and does not zero what it moved away from,
/// `secure_delete` or not: about one in two thousand deleted records left a copy of its beginning behind. Overflow
/// pages are never moved, and zeroed when they are freed. A cell of this tree keeps at most `((PAGE_BYTES - 12) * 64 /
/// 255) - 23` bytes in its page (section 1.6 of SQLite's file format), so with that many bytes before it the whole
/// value lies in overflow pages. Keys are not protected so: they hold names, never material.
pub(super) const LOCAL_BYTES_MAX: i64 = (PAGE_BYTES - 12) * 64 / 255 - 23;

/// How long a statement waits for another connection's lock. Only a checkpoint ever waits: for a scan of ours, which
/// takes milliseconds, or for a program from outside, such as a backup, which must not hold up the commits.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);
