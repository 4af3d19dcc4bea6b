//! Durable records: typed keyspaces over an ordered, transactional key-value engine.
//!
//! Not here: what the records mean, cryptography (sealing is asked from outside), the clock.
//! Invariants: an acknowledged transaction is durable and whole; a record that was edited or moved is refused by
//! name; a cached entry is gone before the commit that changed it returns.

mod key_bytes;
mod keyspace;
mod transaction;
mod outbox;
mod seal;
mod incarnation;
mod store;
mod cache;
mod engine;
#[cfg(test)]
mod testing;

pub use cache::Cache;
pub use engine::{
    BoxFuture, Change, ChangeFeed, ChangeListener, Committed, Engine, EngineError, Expect, KEY_BYTES_MAX, LimitError,
    RawChange, RawEntry, RawRecord, RawWrite, SCAN_LIMIT_MAX, Source, TRANSACTION_BYTES_MAX, TRANSACTION_WRITES_MAX,
    VALUE_BYTES_MAX, VERSION_MAX, check_scan, check_writes,
    sqlite::{OpenError, SqliteEngine},
};
pub use key_bytes::{KeyBytes, KeyPart, KeyReader, KeyWriter};
pub use keyspace::{KEYSPACE_ID_MAX, Keyspace, Versioned};
pub use outbox::EventId;
pub use seal::{SEAL_FORMAT, SealError, Sealer};
pub use store::{EncodingError, Store, StoreError};
pub use transaction::Transaction;
