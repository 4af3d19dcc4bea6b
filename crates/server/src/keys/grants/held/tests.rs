//! Which of a grantee's grants are in force, and how they are found.

use kanuki_store::{BoxFuture, SealError, Sealer, SqliteEngine, Transaction};
use kanuki_types::{KeyId, Timestamp, UniqueId};
use tempfile::TempDir;

use super::*;
use crate::keys::grants::{GrantConstraints, GrantPrincipal, GrantRecord, GrantTerms, grantee_key};

/// Keeps values as they are; what a seal does is the store's to test.
struct NoSeal;

impl Sealer for NoSeal {
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| value).collect()) })
    }

    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>> {
        Box::pin(async { Ok(records.into_iter().map(|(_, value)| Some(value)).collect()) })
    }
}

async fn store(directory: &TempDir) -> Store {
    Store::open(Arc::new(SqliteEngine::open(directory.path()).unwrap()), Arc::new(NoSeal)).await.unwrap()
}

fn arn(number: u8) -> KeyArn {
    KeyArn {
        account: "111122223333".parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
        key_id: KeyId::single_region([number; 16]),
    }
}

fn record(place: &str) -> GrantRecord {
    GrantRecord {
        created: Timestamp::from_millis(0),
        name: None,
        grantee: GrantPrincipal::Entity { arn: "arn".into(), id: UniqueId::new(place), session: None },
        retiring: None,
        issuing_account: "111122223333".parse().unwrap(),
        terms: GrantTerms { operations: Vec::new(), constraints: GrantConstraints::default() },
    }
}

async fn make(store: &Store, arn: &KeyArn, place: &str, ids: impl Iterator<Item = GrantId>) {
    let mut change = Transaction::default();
    ids.for_each(|id| change.create::<GrantsByGrantee>(&grantee_key(arn, place.into(), id), &record(place)));
    store.commit(change).await.unwrap();
}

fn id(number: u8) -> GrantId {
    GrantId::new([number; GrantId::BYTES])
}

fn count(cache: &HeldGrants) -> usize {
    cache.groups.by_name.len()
}

#[tokio::test]
async fn a_change_forgets_its_group_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    let cache = HeldGrants::new(store.clone(), 1000);
    // Absence is kept, also of a grantee whose place begins like another's.
    for place in ["AROA1", "AROA1:s", "AROA2"] {
        assert!(cache.get(&arn(1), place).await.unwrap().is_empty());
    }
    assert_eq!(count(&cache), 3);
    make(&store, &arn(1), "AROA1", [id(1)].into_iter()).await;
    assert_eq!(count(&cache), 2);
    assert_eq!(cache.get(&arn(1), "AROA1").await.unwrap().len(), 1);
    assert!(cache.get(&arn(1), "AROA1:s").await.unwrap().is_empty());
    assert!(cache.get(&arn(2), "AROA1").await.unwrap().is_empty());
    let key = grantee_key(&arn(1), "AROA1".into(), id(1));
    let version = store.get::<GrantsByGrantee>(&key).await.unwrap().unwrap().version;
    let mut change = Transaction::default();
    change.delete::<GrantsByGrantee>(&key, version);
    store.commit(change).await.unwrap();
    assert!(cache.get(&arn(1), "AROA1").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_group_that_was_read_before_a_change_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    let cache = HeldGrants::new(store.clone(), 1000);
    let name = (arn(1).account, arn(1).region, arn(1).key_id, "AROA1".to_owned()).to_key();
    let epoch = cache.groups.epoch(&name);
    let stale = cache.read(&arn(1), &name).await.unwrap();
    make(&store, &arn(1), "AROA1", [id(1)].into_iter()).await;
    cache.groups.insert(name, &stale, epoch);
    assert_eq!(cache.get(&arn(1), "AROA1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_kept_while_the_feed_is_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    let cache = HeldGrants::new(store.clone(), 1000);
    cache.get(&arn(1), "AROA1").await.unwrap();
    store.changes().interrupt();
    assert_eq!(count(&cache), 0);
    cache.get(&arn(1), "AROA1").await.unwrap();
    assert_eq!(count(&cache), 0);
    store.changes().resume();
    cache.get(&arn(1), "AROA1").await.unwrap();
    assert_eq!(count(&cache), 1);
}

#[tokio::test]
async fn groups_of_more_than_a_page_are_read_whole_and_weighed() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory).await;
    let total = SCAN_LIMIT_MAX + 10;
    let ids: Vec<GrantId> = (0..total)
        .map(|number| {
            let mut bytes = [0; GrantId::BYTES];
            bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
            GrantId::new(bytes)
        })
        .collect();
    for some in ids.chunks(kanuki_store::TRANSACTION_WRITES_MAX) {
        make(&store, &arn(1), "AROA1", some.iter().copied()).await;
    }
    let cache = HeldGrants::new(store.clone(), 1000);
    let held = cache.get(&arn(1), "AROA1").await.unwrap();
    assert!(held.iter().map(GrantEntry::id).eq(ids));
    assert_eq!(count(&cache), 0, "a group above the capacity is not kept");
}
