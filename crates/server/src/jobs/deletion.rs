//! Deletes keys whose waiting period has ended: record, material and aliases go, and the trail says so.
//!
//! Rule: "Deleting AWS KMS keys" of the developer guide.

use kanuki_store::{StoreError, Transaction};
use kanuki_types::{AliasArn, KeyArn, KeyState};
use serde_json::{Value, json};

use super::passed_over;
use crate::{
    error::ApiError,
    keys::{Aliases, DeletionKey, Deletions, KeyEntry, alias_key},
    operation::ServiceEvent,
    pipeline::Pipeline,
    record::CommitError,
};

/// Deletes every key that is due; answers how many.
///
/// # Errors
/// If the store or the trail fails; what was deleted before stays deleted.
pub async fn delete_due_keys(pipeline: &Pipeline) -> Result<usize, ApiError> {
    let doors = pipeline.doors();
    let mut deleted = 0;
    let mut seen = None;
    loop {
        let due = doors.keys.due_for_deletion(doors.clock.now(), seen.as_ref(), BATCH).await?;
        let Some((last, _)) = due.last() else { return Ok(deleted) };
        seen = Some(last.clone());
        for (key, mark) in due {
            deleted += usize::from(delete(pipeline, key, mark.version).await?);
        }
    }
}

/// Deletes one key; answers whether it is gone.
async fn delete(pipeline: &Pipeline, due: DeletionKey, mark: u64) -> Result<bool, ApiError> {
    let doors = pipeline.doors();
    for _ in 0..ATTEMPTS_MAX {
        let (date, account, region, key_id) = &due;
        let arn = KeyArn { account: *account, region: region.clone(), key_id: *key_id };
        let mut change = Transaction::default();
        change.delete::<Deletions>(&due, mark);
        let Some(key) = doors.keys.get(&arn).await? else {
            return Err(ApiError::internal(format!("{arn} is due for deletion but does not exist")));
        };
        let record = key.record();
        if record.state != KeyState::PendingDeletion || record.deletion_date != Some(*date) {
            return Err(ApiError::internal(format!("{arn} is due for deletion but not pending it")));
        }
        for name in &record.aliases {
            let alias = AliasArn { account: *account, region: region.clone(), name: name.clone() };
            if let Some(stored) = doors.keys.alias_for_change(&alias).await? {
                change.delete::<Aliases>(&alias_key(&alias), stored.version);
            }
        }
        doors.custom_key_stores.release(&mut change, &key).await?;
        doors.keys.mark_grants_for_removal(&arn, &mut change).await?;
        doors.keys.reschedule_expiries(&mut change, &key, None).await?;
        doors.last_usage.forget(&arn, &mut change).await?;
        doors.keys.count_removed_key(&arn, record, &mut change).await?;
        let now = doors.clock.now();
        doors.keys.leave_set(&mut change, &key, now).await?;
        key.delete(&mut change);
        let details = destroyed_outside(pipeline, &key).await.unwrap_or_else(|| json!({ "keyId": key_id }));
        let event = ServiceEvent::event("DeleteKey", arn.clone(), details);
        match pipeline.recorder().commit_service_events(change, &[event], now, &*doors.random).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(StoreError::Limit(limit))) => return Ok(passed_over(&arn, &limit)),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

/// Destroys the key in a token on which a KMS key stands; what the event then says. A token that cannot be reached keeps
/// an orphan, as the API's page says.
async fn destroyed_outside(pipeline: &Pipeline, key: &KeyEntry) -> Option<Value> {
    let outside = key.record().outside.as_ref()?;
    let store = key.store().filter(|store| store.cluster_id().is_some())?;
    let gone = pipeline.doors().custom_key_stores.destroy_backing_key(store, outside).await;
    let status = if gone { "SUCCESS" } else { "FAILURE" };
    Some(json!({
        "keyId": key.arn().key_id,
        "customKeyStoreId": outside.store,
        "clusterId": store.cluster_id(),
        "backingKeys": json!([{ "backingKeyId": outside.key }]).to_string(),
        "backingKeysDeletionStatus": json!([{ "backingKeyId": outside.key, "deletionStatus": status }]).to_string(),
    }))
}

const BATCH: usize = 100;
const ATTEMPTS_MAX: usize = 20;
