//! Removes imported key material whose time has come.
//!
//! Rule: "Setting an expiration time" of the developer guide: the material goes, the key waits for its import, and the
//! trail says so.

use kanuki_store::{StoreError, Transaction};
use kanuki_types::{KeyArn, KeySpec, MaterialId};
use serde_json::json;

use super::passed_over;
use crate::{
    error::ApiError,
    keys::{Expiries, ExpiryKey, KeyEntry, remove},
    operation::ServiceEvent,
    pipeline::Pipeline,
    record::CommitError,
};

/// Removes all material that is due; answers how many versions.
///
/// # Errors
/// If the store or the trail fails; what was removed before stays removed.
pub async fn remove_expired_material(pipeline: &Pipeline) -> Result<usize, ApiError> {
    let doors = pipeline.doors();
    let mut removed = 0;
    let mut seen = None;
    loop {
        let due = doors.keys.due_for_expiry(doors.clock.now(), seen.as_ref(), BATCH).await?;
        let Some(last) = due.last() else { return Ok(removed) };
        seen = Some(last.clone());
        for mark in due {
            removed += usize::from(remove_one(pipeline, mark).await?);
        }
    }
}

/// Removes one version, if it is still to go; answers whether it was.
async fn remove_one(pipeline: &Pipeline, mark: ExpiryKey) -> Result<bool, ApiError> {
    let doors = pipeline.doors();
    let (due, (account, region, key_id), id) = &mark;
    let arn = KeyArn { account: *account, region: region.clone(), key_id: *key_id };
    for _ in 0..ATTEMPTS_MAX {
        let Some(version) = doors.keys.expiry_mark(&mark).await? else { return Ok(false) };
        let mut change = Transaction::default();
        let key = doors.keys.get(&arn).await?;
        let expired = key.as_ref().filter(|key| {
            let material = key.record().materials.iter().find(|material| material.id == *id);
            let end = material.filter(|m| m.sealed.is_some()).and_then(|m| m.imported.as_ref()?.valid_to);
            end == Some(*due)
        });
        let committed = match expired {
            Some(key) => {
                let mut record = key.record().clone();
                remove(&arn, &mut record, id);
                // The mark is one of those that the changed record no longer asks for.
                doors.keys.reschedule_expiries(&mut change, key, Some(&record)).await?;
                key.update(&mut change, &record);
                let mut events = vec![event(key, *id)];
                events.extend(doors.keys.synchronise_replicas(&mut change, key, &record, &*doors.random).await?);
                pipeline.recorder().commit_service_events(change, &events, doors.clock.now(), &*doors.random).await
            }
            // Nothing happens to the key, so nothing is recorded: only the mark goes.
            None => {
                change.delete::<Expiries>(&mark, version);
                pipeline.recorder().commit_housekeeping(change).await.map_err(CommitError::Store)
            }
        };
        match committed {
            Ok(()) => return Ok(expired.is_some()),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(StoreError::Limit(limit))) => return Ok(passed_over(&arn, &limit)),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

/// Tells which of several versions went; ids are told of symmetric keys only.
fn event(key: &KeyEntry, id: MaterialId) -> ServiceEvent {
    let key_id = key.arn().key_id;
    let details = match key.record().spec {
        KeySpec::SymmetricDefault => json!({ "keyId": key_id, "keyMaterialId": id }),
        _ => json!({ "keyId": key_id }),
    };
    ServiceEvent::event("DeleteExpiredKeyMaterial", key.arn().clone(), details)
}

const BATCH: usize = 100;
const ATTEMPTS_MAX: usize = 20;
