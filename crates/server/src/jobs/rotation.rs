//! Rotates keys whose period has ended.
//!
//! Rule: "Automatic key rotation" of the developer guide. A key that is not enabled when it is due leaves the schedule and
//! comes back when it is enabled again.

use kanuki_store::{StoreError, Transaction};
use kanuki_trail::EventId;
use kanuki_types::{KeyArn, KeyState};

use crate::{
    error::ApiError,
    keys::{Material, Rotated, RotationKey, RotationSchedule, RotationType, Rotations, rotate},
    pipeline::Pipeline,
    record::{CommitError, service_event},
};

/// Rotates every key that is due; answers how many.
///
/// # Errors
/// If store, keeper or trail fail; what was rotated before stays rotated.
pub async fn rotate_due_keys(pipeline: &Pipeline) -> Result<usize, ApiError> {
    let doors = pipeline.doors();
    let mut rotated = 0;
    loop {
        let due = doors.keys.due_for_rotation(doors.clock.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(rotated);
        }
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
                let new = Material::first(made, now);
                let event = rotate(key, &mut record, new, Rotated { date: now, by: RotationType::Automatic });
                let next = RotationSchedule::starting(now, schedule.period_days);
                record.rotation = Some(next);
                change.create::<Rotations>(&(next.next, *account, region.clone(), *key_id), &());
                key.update(&mut change, &record);
                let event_id = EventId::from_random(doors.random.bytes());
                let event = service_event(event_id, now, &event)?;
                pipeline.recorder().commit_service_event(change, event_id, event).await
            }
            // Nothing happens to the key, so nothing is recorded: only the mark goes.
            None => pipeline.recorder().commit_housekeeping(change).await.map_err(CommitError::Store),
        };
        match committed {
            Ok(()) => return Ok(scheduled.is_some()),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

const BATCH: usize = 100;
const ATTEMPTS_MAX: usize = 20;
