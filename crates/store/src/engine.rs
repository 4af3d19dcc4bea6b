//! What every storage engine offers: ordered bytes, transactions as data, a change feed.
//!
//! Not here: types of records, sealing, retries of a caller's logic.
//! Invariants: a commit applies all of its writes or none; it is durable and its changes are delivered to the feed
//! before it returns; commits are serializable by the records they name; every limit holds on every engine.

use std::{error, fmt, future::Future, pin::Pin, sync::Arc};

mod feed;
pub(crate) mod sqlite;
#[cfg(test)]
pub(crate) mod conformance;

pub use feed::{Change, ChangeFeed, ChangeListener};

/// A boxed future, so that engines and sealers can stand behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The private cause of an error: for logs, not for clients.
pub type Source = Arc<dyn error::Error + Send + Sync>;

/// A record as an engine holds it: a version and opaque bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The version its last writer gave it, from 1 to [`VERSION_MAX`].
    pub version: u64,
    /// The bytes, at most [`VALUE_BYTES_MAX`].
    pub value: Vec<u8>,
}

impl fmt::Debug for RawRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, value } = self;
        f.debug_struct("RawRecord").field("version", version).field("value_bytes", &value.len()).finish()
    }
}

/// A key and its record.
pub type RawEntry = (Vec<u8>, RawRecord);

/// What a write expects of its record before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no such record.
    Absent,
    /// Nothing.
    Any,
    /// The record is there and has this version.
    Version(u64),
}

/// What a write does to its record.
#[derive(Clone, PartialEq, Eq)]
pub enum RawChange {
    /// Nothing: only the expectation counts.
    Check,
    /// Removes the record; the engine's files hold nothing of it when the commit returns, as far as the engine can
    /// tell (each engine's head comment says how far that is).
    Delete,
    /// Removes the record; its bytes may linger in the engine's files for a while. For records that hold no key
    /// material and go in numbers.
    Discard,
    /// Writes the record.
    Put {
        /// The new version, from 1 to [`VERSION_MAX`].
        version: u64,
        /// The new bytes, at most [`VALUE_BYTES_MAX`].
        value: Vec<u8>,
    },
}

impl fmt::Debug for RawChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check => f.write_str("Check"),
            Self::Delete => f.write_str("Delete"),
            Self::Discard => f.write_str("Discard"),
            Self::Put { version, value } => {
                f.debug_struct("Put").field("version", version).field("value_bytes", &value.len()).finish()
            }
        }
    }
}

/// One member of a transaction. A transaction names each record at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawWrite {
    /// The keyspace.
    pub keyspace: u8,
    /// The key, at most [`KEY_BYTES_MAX`] bytes.
    pub key: Vec<u8>,
    /// What must hold before the transaction, or none of it is applied.
    pub expect: Expect,
    /// What is done.
    pub change: RawChange,
}

/// The transaction is applied and durable, and the feed has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed;

/// An ordered key-value map with serializable transactions, prefix scans and a change feed.
pub trait Engine: Send + Sync + 'static {
    /// The record under a key. It sees every commit that has returned in this process.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Corrupt`], [`EngineError::Limit`].
    fn get(&self, keyspace: u8, key: Vec<u8>) -> BoxFuture<'_, Result<Option<RawRecord>, EngineError>>;

    /// Up to `limit` records whose keys begin with `prefix` and come after `after`, in the order of their bytes, of
    /// one instant. Fewer than `limit` means there are no more. A scan is not part of a transaction's read set: a
    /// rule over a set of records needs a record that every change of the set writes.
    ///
    /// # Errors
    /// [`EngineError::Limit`] if `limit` exceeds [`SCAN_LIMIT_MAX`]; else as [`Engine::get`].
    fn scan(
        &self,
        keyspace: u8,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<RawEntry>, EngineError>>;

    /// Applies all writes or none; durable when it returns, the feed told before. A future that is dropped early may
    /// still commit.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] if an expectation does not hold; [`EngineError::Limit`] before anything is tried;
    /// after [`EngineError::Unavailable`] the outcome is unknown to the caller.
    fn commit(&self, writes: Vec<RawWrite>) -> BoxFuture<'_, Result<Committed, EngineError>>;

    /// The feed of changes that this engine's commits make.
    fn changes(&self) -> ChangeFeed;
}

/// Why an engine did not do what was asked.
#[derive(Debug, Clone)]
pub enum EngineError {
    /// An expectation did not hold; nothing was applied.
    Conflict,
    /// The stored bytes are damaged.
    Corrupt(Source),
    /// The request exceeds a limit; nothing was applied.
    Limit(LimitError),
    /// The engine cannot be reached or cannot write now.
    Unavailable(Source),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("a record changed meanwhile"),
            Self::Corrupt(_) => f.write_str("the stored data is damaged"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Unavailable(_) => f.write_str("the storage engine is unavailable"),
        }
    }
}

impl error::Error for EngineError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Corrupt(source) | Self::Unavailable(source) => Some(source.as_ref()),
            Self::Limit(limit) => Some(limit),
            Self::Conflict => None,
        }
    }
}

/// Which limit a request exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// A key is longer than [`KEY_BYTES_MAX`].
    Key,
    /// A transaction names one record twice.
    Repeated,
    /// A scan asks for more than [`SCAN_LIMIT_MAX`] records.
    Scan,
    /// A transaction's keys and values together exceed [`TRANSACTION_BYTES_MAX`].
    TransactionBytes,
    /// A transaction has more than [`TRANSACTION_WRITES_MAX`] members.
    TransactionWrites,
    /// A value is longer than [`VALUE_BYTES_MAX`].
    Value,
    /// A version is not in 1 to [`VERSION_MAX`].
    Version,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(f, "a key has at most {KEY_BYTES_MAX} bytes"),
            Self::Repeated => f.write_str("a transaction names each record at most once"),
            Self::Scan => write!(f, "a scan returns at most {SCAN_LIMIT_MAX} records"),
            Self::TransactionBytes => write!(f, "a transaction has at most {TRANSACTION_BYTES_MAX} bytes"),
            Self::TransactionWrites => write!(f, "a transaction has at most {TRANSACTION_WRITES_MAX} members"),
            Self::Value => write!(f, "a value has at most {VALUE_BYTES_MAX} bytes"),
            Self::Version => write!(f, "a version is in 1 to {VERSION_MAX}"),
        }
    }
}

impl error::Error for LimitError {}

/// Holds a transaction against the limits. Every engine calls it before it does anything.
///
/// # Errors
/// The first limit that is exceeded.
pub fn check_writes(writes: &[RawWrite]) -> Result<(), LimitError> {
    if writes.len() > TRANSACTION_WRITES_MAX {
        return Err(LimitError::TransactionWrites);
    }
    let mut names: Vec<(u8, &[u8])> = Vec::with_capacity(writes.len());
    let mut bytes = 0;
    for write in writes {
        if write.key.len() > KEY_BYTES_MAX {
            return Err(LimitError::Key);
        }
        bytes += write.key.len() + check_change(&write.change)?;
        names.push((write.keyspace, &write.key));
    }
    if bytes > TRANSACTION_BYTES_MAX {
        return Err(LimitError::TransactionBytes);
    }
    names.sort_unstable();
    if names.array_windows().any(|[a, b]| a == b) { Err(LimitError::Repeated) } else { Ok(()) }
}

fn check_change(change: &RawChange) -> Result<usize, LimitError> {
    match change {
        RawChange::Put { value, .. } if value.len() > VALUE_BYTES_MAX => Err(LimitError::Value),
        RawChange::Put { version, .. } if !(1..=VERSION_MAX).contains(version) => Err(LimitError::Version),
        RawChange::Put { value, .. } => Ok(value.len()),
        RawChange::Check | RawChange::Delete | RawChange::Discard => Ok(0),
    }
}

/// Holds a scan against the limits. Every engine calls it before it does anything.
///
/// # Errors
/// The first limit that is exceeded.
pub fn check_scan(prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<(), LimitError> {
    if prefix.len() > KEY_BYTES_MAX || after.is_some_and(|key| key.len() > KEY_BYTES_MAX) {
        Err(LimitError::Key)
    } else if limit > SCAN_LIMIT_MAX {
        Err(LimitError::Scan)
    } else {
        Ok(())
    }
}

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;

/// Longest value, in bytes, as the engine sees it (sealed).
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;

/// Largest version: what a signed 64-bit column holds.
pub const VERSION_MAX: u64 = i64::MAX as u64;

/// Most records of one scan; above the 1000 (and one) that a page of the API needs.
pub const SCAN_LIMIT_MAX: usize = 4096;

/// Most members of one transaction: what etcd takes by default (`--max-txn-ops`).
pub const TRANSACTION_WRITES_MAX: usize = 128;

/// Most bytes of keys and values of one transaction: below what etcd takes by default (`--max-request-bytes`).
pub const TRANSACTION_BYTES_MAX: usize = 1280 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: Vec<u8>, version: u64, value: Vec<u8>) -> RawWrite {
        RawWrite { keyspace: 1, key, expect: Expect::Any, change: RawChange::Put { version, value } }
    }

    #[test]
    fn holds_transactions_against_the_limits() {
        let many = |count: usize| (0..count).map(|i| put(i.to_be_bytes().into(), 1, vec![])).collect::<Vec<_>>();
        assert_eq!(check_writes(&many(TRANSACTION_WRITES_MAX)), Ok(()));
        assert_eq!(check_writes(&many(TRANSACTION_WRITES_MAX + 1)), Err(LimitError::TransactionWrites));
        let one = |write: RawWrite| check_writes(&[write]);
        assert_eq!(one(put(vec![0; KEY_BYTES_MAX], 1, vec![0; VALUE_BYTES_MAX])), Ok(()));
        assert_eq!(one(put(vec![0; KEY_BYTES_MAX + 1], 1, vec![])), Err(LimitError::Key));
        assert_eq!(one(put(vec![], 1, vec![0; VALUE_BYTES_MAX + 1])), Err(LimitError::Value));
        assert_eq!(one(put(vec![], VERSION_MAX, vec![])), Ok(()));
        assert_eq!(one(put(vec![], 0, vec![])), Err(LimitError::Version));
        assert_eq!(one(put(vec![], VERSION_MAX + 1, vec![])), Err(LimitError::Version));
        let two = [put(vec![1], 1, vec![0; VALUE_BYTES_MAX]), put(vec![2], 1, vec![0; VALUE_BYTES_MAX])];
        assert_eq!(check_writes(&two), Err(LimitError::TransactionBytes));
    }

    #[test]
    fn refuses_a_record_named_twice() {
        let mut writes = vec![put(vec![1], 1, vec![]), put(vec![2], 1, vec![])];
        assert_eq!(check_writes(&writes), Ok(()));
        writes.push(RawWrite { keyspace: 1, key: vec![1], expect: Expect::Absent, change: RawChange::Check });
        assert_eq!(check_writes(&writes), Err(LimitError::Repeated));
        writes[2].keyspace = 2;
        assert_eq!(check_writes(&writes), Ok(()));
    }

    #[test]
    fn holds_scans_against_the_limits() {
        assert_eq!(check_scan(b"", None, SCAN_LIMIT_MAX), Ok(()));
        assert_eq!(check_scan(b"", None, SCAN_LIMIT_MAX + 1), Err(LimitError::Scan));
        assert_eq!(check_scan(&[0; KEY_BYTES_MAX + 1], None, 1), Err(LimitError::Key));
        assert_eq!(check_scan(b"", Some(&[0; KEY_BYTES_MAX + 1]), 1), Err(LimitError::Key));
    }

    #[test]
    fn never_prints_values() {
        let printed = format!("{:?}", put(b"key".to_vec(), 1, b"secret".to_vec()));
        assert!(printed.contains("value_bytes: 6") && !printed.contains("115"), "{printed}");
    }
}
