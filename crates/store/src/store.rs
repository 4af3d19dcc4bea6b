//! The store: typed, sealed records over an engine.
//!
//! Not here: caching, retries; a caller that meets a conflict reads again and decides again.
//! Invariants: nothing reaches the engine unsealed; nothing is returned whose seal did not verify for its keyspace,
//! key and version. What a seal cannot show: that a whole record was put back to an older state, version included,
//! or removed.

use std::{error, fmt, sync::Arc};

use crate::{
    ChangeFeed, Engine, EngineError, KeyBytes as _, Keyspace, LimitError, RawChange, RawEntry, RawRecord, RawWrite,
    SealError, Sealer, Source, Transaction, Versioned, check_writes,
    incarnation::Incarnations,
    keyspace::BOOKKEEPING_ID,
    seal::place,
    transaction::{Action, Member},
};

/// The handle on the store. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    engine: Arc<dyn Engine>,
    sealer: Arc<dyn Sealer>,
    incarnations: Incarnations,
}

impl Store {
    /// A store over an engine. It reads once, so that an engine that does not answer is noticed here; the sealer is
    /// not asked, so it may still be sealed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    pub async fn open(engine: Arc<dyn Engine>, sealer: Arc<dyn Sealer>) -> Result<Self, StoreError> {
        engine.get(BOOKKEEPING_ID, Vec::new()).await?;
        Ok(Self(Arc::new(Parts { engine, sealer, incarnations: Incarnations::new() })))
    }

    /// The record under a key. It sees every commit that has returned.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if its seal does not verify; [`StoreError::Encoding`] if it is not of this type;
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`], [`StoreError::Limit`].
    pub async fn get<K: Keyspace>(&self, key: &K::Key) -> Result<Option<Versioned<K::Value>>, StoreError> {
        let key = key.to_key();
        let Some(record) = self.0.engine.get(K::ID, key.clone()).await? else { return Ok(None) };
        let opened = self.open_all(K::ID, K::NAME, vec![(key, record)]).await?;
        opened.into_iter().next().map(|(key, record)| decode::<K>(&key, record)).transpose()
    }

    /// Up to `limit` (at most [`crate::SCAN_LIMIT_MAX`]) records whose keys begin with `prefix` and come after
    /// `after`, in the order of their keys' bytes. Fewer than `limit` means there are no more.
    ///
    /// # Errors
    /// As [`Store::get`], for the first record that fails: a scan never passes over a record.
    pub async fn scan<K: Keyspace>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(K::Key, Versioned<K::Value>)>, StoreError> {
        let records = self.scan_plain(K::ID, K::NAME, prefix, after, limit).await?;
        let typed = |(bytes, record): RawEntry| {
            let key = K::Key::from_key(&bytes)
                .ok_or_else(|| StoreError::Encoding(EncodingError::new(K::NAME, &bytes, Arc::new(KeyError))))?;
            Ok((key, decode::<K>(&bytes, record)?))
        };
        records.into_iter().map(typed).collect()
    }

    /// Applies a transaction; durable when it returns, and every cache of this process has heard of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if an expectation does not hold; [`StoreError::Encoding`], [`StoreError::Limit`] if
    /// it can never be applied; after [`StoreError::Unavailable`] the outcome is unknown.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        for Member { keyspace, key, expect, action } in transaction.into_members()? {
            let change = match action {
                Action::Change(change) => change,
                Action::Create(value) => RawChange::Put { version: self.0.incarnations.next(self).await?, value },
            };
            writes.push(RawWrite { keyspace, key, expect, change });
        }
        self.write(writes).await
    }

    /// The engine's feed of changes.
    #[must_use]
    pub fn changes(&self) -> ChangeFeed {
        self.0.engine.changes()
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.0.engine.as_ref()
    }

    /// Seals the values of writes in one batch and commits them.
    pub(crate) async fn write(&self, mut writes: Vec<RawWrite>) -> Result<(), StoreError> {
        // The limits hold before the sealer has any work with it, and again in the engine for the sealed values.
        check_writes(&writes).map_err(StoreError::Limit)?;
        let plain: Vec<_> = writes.iter_mut().filter_map(take_value).collect();
        if !plain.is_empty() {
            let count = plain.len();
            let sealed = self.0.sealer.seal(plain).await?;
            if sealed.len() != count {
                return Err(SealError::Miscounted.into());
            }
            writes.iter_mut().filter_map(value).zip(sealed).for_each(|(value, sealed)| *value = sealed);
        }
        self.0.engine.commit(writes).await?;
        Ok(())
    }

    /// Scans and opens, without decoding.
    pub(crate) async fn scan_plain(
        &self,
        keyspace: u8,
        name: &'static str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<RawEntry>, StoreError> {
        let records = self.0.engine.scan(keyspace, prefix.to_vec(), after.map(<[u8]>::to_vec), limit).await?;
        self.open_all(keyspace, name, records).await
    }

    async fn open_all(
        &self,
        keyspace: u8,
        name: &'static str,
        records: Vec<RawEntry>,
    ) -> Result<Vec<RawEntry>, StoreError> {
        if records.is_empty() {
            return Ok(records);
        }
        let (names, sealed): (Vec<_>, Vec<_>) = records
            .into_iter()
            .map(|(key, RawRecord { version, value })| {
                let place = place(keyspace, &key, version);
                ((key, version), (place, value))
            })
            .unzip();
        let opened = self.0.sealer.open(sealed).await?;
        if opened.len() != names.len() {
            return Err(SealError::Miscounted.into());
        }
        names
            .into_iter()
            .zip(opened)
            .map(|((key, version), value)| match value {
                Some(value) => Ok((key, RawRecord { version, value })),
                None => Err(StoreError::Refused { keyspace: name, key: printable(&key) }),
            })
            .collect()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A write's value with its place, moved out.
fn take_value(write: &mut RawWrite) -> Option<(Vec<u8>, Vec<u8>)> {
    let RawWrite { keyspace, key, change, .. } = write;
    let RawChange::Put { version, value } = change else { return None };
    Some((place(*keyspace, key, *version), std::mem::take(value)))
}

/// Where a write's value belongs.
fn value(write: &mut RawWrite) -> Option<&mut Vec<u8>> {
    match &mut write.change {
        RawChange::Put { value, .. } => Some(value),
        RawChange::Check | RawChange::Delete | RawChange::Discard => None,
    }
}

fn decode<K: Keyspace>(key: &[u8], record: RawRecord) -> Result<Versioned<K::Value>, StoreError> {
    match serde_json::from_slice(&record.value) {
        Ok(value) => Ok(Versioned { version: record.version, value }),
        Err(error) => Err(StoreError::Encoding(EncodingError::new(K::NAME, key, Arc::new(error)))),
    }
}

/// A key for people: ASCII as it is, other bytes as `\x..`.
pub(crate) fn printable(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone)]
pub enum StoreError {
    /// A record that the transaction names changed meanwhile: read again, decide again. Nothing was applied.
    Conflict,
    /// The engine's data is damaged.
    Corrupt(Source),
    /// A record cannot be turned into bytes, or its bytes are not what the program expects there.
    Encoding(EncodingError),
    /// The request exceeds a limit and can never succeed. Nothing was applied.
    Limit(LimitError),
    /// A record's seal does not verify: it was edited, or moved from another place.
    Refused {
        /// The keyspace's name.
        keyspace: &'static str,
        /// The key: ASCII as it is, other bytes as `\x..`.
        key: String,
    },
    /// The engine or the sealer does not answer.
    Unavailable(Source),
}

impl StoreError {
    /// Whether one record is damaged, which says nothing of the others.
    #[must_use]
    pub const fn is_of_one_record(&self) -> bool {
        matches!(self, Self::Encoding(_) | Self::Refused { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("a record changed meanwhile"),
            Self::Corrupt(_) => f.write_str("the stored data is damaged"),
            Self::Encoding(error) => error.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
            Self::Refused { keyspace, key } => write!(f, "the seal of `{keyspace}` record `{key}` does not verify"),
            Self::Unavailable(_) => f.write_str("the store is unavailable"),
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Corrupt(source) | Self::Unavailable(source) => Some(source.as_ref()),
            Self::Encoding(error) => error.source(),
            Self::Conflict | Self::Limit(_) | Self::Refused { .. } => None,
        }
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Conflict => Self::Conflict,
            EngineError::Corrupt(source) => Self::Corrupt(source),
            EngineError::Limit(limit) => Self::Limit(limit),
            EngineError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

/// Which record cannot be encoded or decoded, and why.
#[derive(Debug, Clone)]
pub struct EncodingError {
    keyspace: &'static str,
    key: String,
    source: Source,
}

impl EncodingError {
    /// Names a record and what is wrong with it.
    pub(crate) fn new(keyspace: &'static str, key: &[u8], source: Source) -> Self {
        Self { keyspace, key: printable(key), source }
    }
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keyspace, key, .. } = self;
        write!(f, "`{keyspace}` record `{key}` is not in the expected form")
    }
}

impl error::Error for EncodingError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The bytes of a key are no key of the keyspace's type.
#[derive(Debug)]
struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is not in the expected form")
    }
}

impl error::Error for KeyError {}

#[cfg(test)]
mod tests;
