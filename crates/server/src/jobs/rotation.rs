//! Rotates keys whose period has ended.
//!
//! Rule: "Automatic key rotation" of the developer guide. A key that is not enabled when it is due leaves the schedule and
//! comes back when it is enabled again.

use kanuki_store::{StoreError, Transaction};
use kanuki_types::{KeyArn, KeyState};

use super::passed_over;
use crate::{
    error::ApiError,
    keys::{Material, Rotated, RotationKey, RotationSchedule, RotationType, Rotations, rotate},
    pipeline::Pipeline,
    record::CommitError,
};

/// Rotates every key that is due; answers how many.
///
/// # Errors
/// If store, keeper or trail fail; what was rotated before stays rotated.
pub async fn rotate_due_keys(pipeline: &Pipeline) -> Result<usize, ApiError> {
    let doors = pipeline.doors();
    let mut rotated = 0;
    let mut seen = None;
    loop {
        let due = doors.keys.due_for_rotation(doors.clock.now(), seen.as_ref(), BATCH).await?;
        let Some((last, _)) = due.last() else { return Ok(rotated) };
        seen = Some(last.clone());
        for (mark, stored) in due {
            rotated += usize::from(rotate_one(pipeline, mark, stored.version).await?);
        }
    }
}

/// Rotates one key, if it is enabled; answers whether it was.
async fn rotate_one(pipeline: &Pipeline, mark: RotationKey, mark_version: u64) -> Result<bool, ApiError> {
    let doors = pipeline.doors();
    for _ in 0..ATTEMPTS_MAX {
        let (due, account, region, key_id) = &mark;
        let arn = KeyArn { account: *account, region: region.clone(), key_id: *key_id };
        let now = doors.clock.now();
        let mut change = Transaction::default();
        change.delete::<Rotations>(&mark, mark_version);
        let key = doors.keys.get(&arn).await?;
        let scheduled = key.as_ref().and_then(|key| {
            let schedule = key.record().rotation.filter(|schedule| schedule.next == *due)?;
            (key.record().state == KeyState::Enabled).then_some((key, schedule))
        });
        let committed = match scheduled {
            Some((key, schedule)) => {
                let made = doors.keys.create_material(&arn, key.record().spec).await?;
                let mut record = key.record().clone();
                let by = RotationType::Automatic;
                rotate(&mut record, Material::first(made, now), Rotated { date: now, by });
                let next = RotationSchedule::starting(now, schedule.period_days);
                record.rotation = Some(next);
                change.create::<Rotations>(&(next.next, *account, region.clone(), *key_id), &());
                let events = doors.keys.write_rotation(&mut change, key, &record, by, &*doors.random).await?;
                pipeline.recorder().commit_service_events(change, &events, now, &*doors.random).await
            }
            // Nothing happens to the key, so nothing is recorded: only the mark goes.
            None => pipeline.recorder().commit_housekeeping(change).await.map_err(CommitError::Store),
        };
        match committed {
            Ok(()) => return Ok(scheduled.is_some()),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(StoreError::Limit(limit))) => return Ok(passed_over(&arn, &limit)),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

const BATCH: usize = 100;
const ATTEMPTS_MAX: usize = 20;
