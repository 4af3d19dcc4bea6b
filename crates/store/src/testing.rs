//! What the tests of this crate share: a sealer that really binds, keyspaces, a store in a temporary directory.
//!
//! Not cryptography: the checksum keeps tests honest, not attackers out.

use std::{
    hash::{DefaultHasher, Hasher as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{BoxFuture, Keyspace, SealError, Sealer, SqliteEngine, Store};

/// Veils a value and binds it to its place by a keyed checksum.
#[derive(Default)]
pub(crate) struct TestSealer {
    /// Answers nothing while set.
    pub(crate) away: AtomicBool,
    /// Loses one result while set.
    pub(crate) miscounts: AtomicBool,
}

impl TestSealer {
    fn results<T>(&self, results: Vec<T>) -> Result<Vec<T>, SealError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(SealError::Unavailable(Arc::new(std::io::Error::other("away"))));
        }
        let lost = usize::from(self.miscounts.load(Ordering::Relaxed));
        Ok(results.into_iter().skip(lost).collect())
    }
}

impl Sealer for TestSealer {
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>> {
        let seal = |(place, value): (Vec<u8>, Vec<u8>)| [&checksum(&place, &value)[..], &veil(&value)].concat();
        Box::pin(async move { self.results(records.into_iter().map(seal).collect()) })
    }

    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>> {
        let open = |(place, sealed): (Vec<u8>, Vec<u8>)| {
            let (tag, veiled) = sealed.split_first_chunk()?;
            let value = veil(veiled);
            (*tag == checksum(&place, &value)).then_some(value)
        };
        Box::pin(async move { self.results(records.into_iter().map(open).collect()) })
    }
}

fn checksum(place: &[u8], value: &[u8]) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    for part in [b"the key of the test", place, value] {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish().to_be_bytes()
}

fn veil(value: &[u8]) -> Vec<u8> {
    value.iter().map(|byte| byte ^ 0xa5).collect()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
}

pub(crate) fn note(text: &str) -> Note {
    Note { text: text.into() }
}

/// A keyspace of notes.
pub(crate) struct Notes;

impl Keyspace for Notes {
    const ID: u8 = 1;
    const NAME: &'static str = "notes";
    type Key = String;
    type Value = Note;
}

/// Another keyspace with the same types.
pub(crate) struct Drafts;

impl Keyspace for Drafts {
    const ID: u8 = 2;
    const NAME: &'static str = "drafts";
    type Key = String;
    type Value = Note;
}

/// A store and what it is made of.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) engine: Arc<SqliteEngine>,
    pub(crate) sealer: Arc<TestSealer>,
    pub(crate) directory: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap()).await
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        let Self { store, engine, directory, .. } = self;
        drop((store, engine));
        Self::over(directory).await
    }

    async fn over(directory: TempDir) -> Self {
        let engine = Arc::new(SqliteEngine::open(directory.path()).unwrap());
        let sealer = Arc::new(TestSealer::default());
        let store = Store::open(engine.clone(), sealer.clone()).await.unwrap();
        Self { store, engine, sealer, directory }
    }

    /// The hand of somebody who can edit the file.
    pub(crate) fn edit(&self, sql: &str) {
        let connection = Connection::open(self.database()).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "nothing edited by {sql}");
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        Path::join(self.directory.path(), "store.sqlite")
    }

    pub(crate) async fn create(&self, key: &str, text: &str) {
        let mut transaction = crate::Transaction::default();
        transaction.create::<Notes>(&key.to_owned(), &note(text));
        self.store.commit(transaction).await.unwrap();
    }

    pub(crate) async fn update(&self, key: &str, text: &str) {
        let key = key.to_owned();
        let seen = self.store.get::<Notes>(&key).await.unwrap().unwrap();
        let mut transaction = crate::Transaction::default();
        transaction.update::<Notes>(&key, seen.version, &note(text));
        self.store.commit(transaction).await.unwrap();
    }
}
