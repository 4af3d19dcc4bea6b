//! What tests that need grants share: a store in a temporary directory, and grants in it.
//!
//! Not cryptography: the sealer keeps values as they are; what a seal does is the store's to test.

use std::sync::Arc;

use kanuki_store::{BoxFuture, SealError, Sealer, SqliteEngine, Store, TRANSACTION_WRITES_MAX, Transaction};
use kanuki_types::{KeyArn, KeyId, Timestamp, UniqueId};
use tempfile::TempDir;

use super::{GrantConstraints, GrantId, GrantPrincipal, GrantRecord, GrantTerms, grantee_key, record::GrantsByGrantee};

struct NoSeal;

impl Sealer for NoSeal {
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| value).collect()) })
    }

    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| Some(value)).collect()) })
    }
}

/// A store in a directory.
pub(crate) async fn store(directory: &TempDir) -> Store {
    Store::open(Arc::new(SqliteEngine::open(directory.path()).unwrap()), Arc::new(NoSeal)).await.unwrap()
}

/// The ARN of a key.
pub(crate) fn arn(number: u8) -> KeyArn {
    KeyArn {
        account: "111122223333".parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
        key_id: KeyId::single_region([number; 16]),
    }
}

/// A grant that gives nothing.
pub(crate) fn record(place: &str) -> GrantRecord {
    GrantRecord {
        created: Timestamp::from_millis(0),
        name: None,
        grantee: GrantPrincipal::Entity { arn: "arn".into(), id: UniqueId::new(place), session: None },
        retiring: None,
        issuing_account: "111122223333".parse().unwrap(),
        terms: GrantTerms { operations: Vec::new(), constraints: GrantConstraints::default() },
    }
}

/// A grant's id that begins with a number.
pub(crate) fn numbered(number: usize) -> GrantId {
    let mut bytes = [0; GrantId::BYTES];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    GrantId::new(bytes)
}

/// Puts grants of a key into the index of grantees.
pub(crate) async fn give(store: &Store, arn: &KeyArn, place: &str, grants: &[(GrantId, GrantRecord)]) {
    for some in grants.chunks(TRANSACTION_WRITES_MAX) {
        let mut change = Transaction::default();
        for (id, record) in some {
            change.create::<GrantsByGrantee>(&grantee_key(arn, place.into(), *id), record);
        }
        store.commit(change).await.unwrap();
    }
}
