//! How many keys an account has in a Region, and the limit on it.
//!
//! Every customer managed key counts, in whatever state, and each replica of a multi-Region key; what AWS manages does
//! not. Rule: "Resource quotas" of the developer guide.

use kanuki_store::{KeyBytes as _, Keyspace, Store, StoreError, Transaction};
use kanuki_types::{AccountId, KeyArn, KeyManager, Region};

use super::{Keys, counters::Counters, record::KeyRecord};
use crate::{
    error::{ApiError, ErrorCode},
    keyspaces,
};

/// How many keys an account has in a Region, in several counters.
#[derive(Debug)]
struct KeyCounts;

impl Keyspace for KeyCounts {
    const ID: u8 = keyspaces::KEY_COUNTS;
    const NAME: &'static str = "key counts";
    type Key = (AccountId, Region, [u8; 1]);
    type Value = u64;
}

impl Keys {
    /// Counts a key that the change makes.
    ///
    /// # Errors
    /// As [`count_new_key`].
    pub async fn count_new_key(
        &self,
        arn: &KeyArn,
        manager: KeyManager,
        limit: u64,
        change: &mut Transaction,
    ) -> Result<(), ApiError> {
        count_new_key(&self.store, arn, manager, limit, change).await
    }

    /// Counts a key less that the change removes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_removed_key(
        &self,
        arn: &KeyArn,
        record: &KeyRecord,
        change: &mut Transaction,
    ) -> Result<(), StoreError> {
        if record.manager != KeyManager::Customer {
            return Ok(());
        }
        let place = |shard| (arn.account, arn.region.clone(), [shard]);
        counters(&self.store, arn, &place).one_less(shard_of(arn), change).await
    }
}

/// Counts a key that the change makes.
///
/// # Errors
/// `LimitExceededException` if the account has `limit` keys in the Region; or if the store fails.
pub(crate) async fn count_new_key(
    store: &Store,
    arn: &KeyArn,
    manager: KeyManager,
    limit: u64,
    change: &mut Transaction,
) -> Result<(), ApiError> {
    if manager != KeyManager::Customer {
        return Ok(());
    }
    let place = |shard| (arn.account, arn.region.clone(), [shard]);
    if counters(store, arn, &place).one_more(shard_of(arn), limit, change).await? {
        return Ok(());
    }
    let KeyArn { account, region, .. } = arn;
    let message = format!("You have reached the limit of {limit} keys of account {account} in {region}.");
    Err(ApiError::new(ErrorCode::LimitExceeded, message))
}

type Place<'a> = dyn Fn(u8) -> <KeyCounts as Keyspace>::Key + Sync + 'a;

fn counters<'a>(store: &'a Store, arn: &KeyArn, place: &'a Place<'a>) -> Counters<'a, KeyCounts> {
    Counters::new(store, (arn.account, arn.region.clone()).to_key(), place)
}

fn shard_of(arn: &KeyArn) -> u8 {
    let [.., last] = arn.key_id.to_bytes();
    last
}
