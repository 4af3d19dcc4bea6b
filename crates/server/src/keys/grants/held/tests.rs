//! Which of a grantee's grants are in force, and how they are found.

use kanuki_store::Transaction;

use super::*;
use crate::keys::grants::{
    GRANTS_CACHED_MAX, GRANTS_PER_KEY_MAX, grantee_key,
    testing::{arn, give, numbered, record, store},
};

async fn make(store: &Store, arn: &KeyArn, place: &str, ids: impl Iterator<Item = GrantId>) {
    let records: Vec<_> = ids.map(|id| (id, record(place))).collect();
    give(store, arn, place, &records).await;
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
    let ids: Vec<GrantId> = (0..total).map(numbered).collect();
    make(&store, &arn(1), "AROA1", ids.iter().copied()).await;
    let cache = HeldGrants::new(store.clone(), 1000);
    let held = cache.get(&arn(1), "AROA1").await.unwrap();
    assert!(held.iter().map(GrantEntry::id).eq(ids));
    assert_eq!(count(&cache), 0, "a group above its share of the capacity is not kept");
}

/// However many processors the machine has: the cache is in parts, and a group is in one of them.
#[tokio::test]
async fn a_grantee_may_hold_every_grant_that_a_key_can_have() {
    let directory = tempfile::tempdir().unwrap();
    let cache = HeldGrants::new(store(&directory).await, GRANTS_CACHED_MAX);
    let count = usize::try_from(GRANTS_PER_KEY_MAX).unwrap();
    let entries = (0..count).map(|number| GrantEntry::new(arn(1), numbered(number), record("AROA1")));
    let held = Held::new(entries.collect());
    let name = b"name".to_vec();
    let epoch = cache.groups.epoch(&name);
    cache.groups.insert(name, &held, epoch);
    assert_eq!(cache.groups.by_name.len(), 1);
}
