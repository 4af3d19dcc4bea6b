//! Rotation: new material for a key that keeps its id, its ARN and everything it ever encrypted.
//!
//! Rule: "Rotating AWS KMS keys" of the developer guide. Not here: making material (the keeper's) and waiting (a job's).
//! Invariants: the newest material encrypts, every older one still opens what it made; a key with automatic rotation that
//! is enabled has exactly one mark in the schedule; a replica, which rotates with its primary, has none.

use kanuki_store::{KeyBytes, Transaction, Versioned};
use kanuki_types::{KeySpec, KeyState, Origin, Random, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Keys,
    entry::KeyEntry,
    multi_region::{Role, synchronisation},
    record::{KeyRecord, Material, RotationKey, Rotations},
};
use crate::{
    error::{ApiError, ErrorCode},
    operation::ServiceEvent,
};

/// Automatic rotation of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationSchedule {
    /// Days between two rotations.
    pub period_days: i64,
    /// When the next one is due.
    pub next: Timestamp,
}

/// How a version of material came to be the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotated {
    /// When.
    pub date: Timestamp,
    /// By what.
    pub by: RotationType,
}

/// What made a key rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationType {
    /// The schedule.
    #[serde(rename = "AUTOMATIC")]
    Automatic,
    /// RotateKeyOnDemand.
    #[serde(rename = "ON_DEMAND")]
    OnDemand,
}

impl RotationSchedule {
    /// A schedule whose first rotation is one period from now.
    #[must_use]
    pub fn starting(now: Timestamp, period_days: i64) -> Self {
        Self { period_days, next: now.plus_seconds(period_days.saturating_mul(SECONDS_PER_DAY)) }
    }
}

impl Keys {
    /// The mark of a key in the schedule, for changing.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn rotation_mark(&self, key: &RotationKey) -> Result<Option<Versioned<()>>, ApiError> {
        Ok(self.store.get::<Rotations>(key).await?)
    }

    /// Keys whose rotation is due, behind the one that was looked at last.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn due_for_rotation(
        &self,
        now: Timestamp,
        after: Option<&RotationKey>,
        limit: usize,
    ) -> Result<Vec<(RotationKey, Versioned<()>)>, ApiError> {
        let after = after.map(KeyBytes::to_key);
        let found = self.store.scan::<Rotations>(&[], after.as_deref(), limit).await?;
        Ok(found.into_iter().take_while(|((due, ..), _)| *due <= now).collect())
    }

    /// Puts a key's schedule in place of the one that it had, mark and all. Of a replica it is a copy without a mark.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn reschedule(
        &self,
        change: &mut Transaction,
        key: &KeyEntry,
        record: &mut KeyRecord,
        schedule: Option<RotationSchedule>,
    ) -> Result<(), ApiError> {
        if record.role(key.arn()) == Some(Role::Replica) {
            record.rotation = schedule;
            return Ok(());
        }
        let old = record.rotation.map(|schedule| mark(key, schedule.next));
        let new = schedule.map(|schedule| mark(key, schedule.next));
        record.rotation = schedule;
        let marked = match &old {
            Some(old) => self.rotation_mark(old).await?,
            None => None,
        };
        match (old, marked, new) {
            (Some(old), Some(_), Some(new)) if old == new => {}
            (old, marked, new) => {
                if let (Some(old), Some(marked)) = (old, marked) {
                    change.delete::<Rotations>(&old, marked.version);
                }
                if let Some(new) = new {
                    change.create::<Rotations>(&new, &());
                }
            }
        }
        Ok(())
    }

    /// Moves the mark of a key to another copy of it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn move_mark(&self, change: &mut Transaction, from: &KeyEntry, to: &KeyEntry) -> Result<(), ApiError> {
        let Some(schedule) = from.record().rotation else { return Ok(()) };
        let old = mark(from, schedule.next);
        if let Some(marked) = self.rotation_mark(&old).await? {
            change.delete::<Rotations>(&old, marked.version);
        }
        change.create::<Rotations>(&mark(to, schedule.next), &());
        Ok(())
    }
}

/// Makes new material the current one.
pub fn rotate(record: &mut KeyRecord, new: Material, rotated: Rotated) {
    record.current_material = Some(new.id);
    record.materials.push(Material { rotated: Some(rotated), ..new });
}

impl Keys {
    /// Writes a key that has rotated, and with it every replica: none encrypts under material that another copy does not
    /// have. Answers the events that tell of it, one for each copy.
    ///
    /// # Errors
    /// If store or keeper fail.
    pub async fn write_rotation(
        &self,
        change: &mut Transaction,
        key: &KeyEntry,
        record: &KeyRecord,
        by: RotationType,
        random: &dyn Random,
    ) -> Result<Vec<ServiceEvent>, ApiError> {
        key.update(change, record);
        let copies = self.other_copies(key).await?;
        self.synchronise(change, (key.arn(), record), &copies).await?;
        let mut events: Vec<ServiceEvent> =
            [key].into_iter().chain(copies.iter().map(|copy| &**copy)).map(|copy| event(copy, record, by)).collect();
        events.extend((!copies.is_empty()).then(|| synchronisation(key.arn(), random)));
        Ok(events)
    }
}

/// The event of a copy of a key having rotated; its entry is the one from before.
fn event(copy: &KeyEntry, rotated: &KeyRecord, by: RotationType) -> ServiceEvent {
    let details = json!({
        "keyId": copy.arn().key_id,
        "rotationType": by,
        "keyOrigin": rotated.origin,
        "previousKeyMaterialId": copy.record().current_material,
        "currentKeyMaterialId": rotated.current_material,
    });
    ServiceEvent::event("RotateKey", copy.arn().clone(), details)
}

/// Checks that a key is of the kind that rotates with material of the keeper's own.
///
/// # Errors
/// `UnsupportedOperationException`.
pub fn check_rotates(key: &KeyEntry) -> Result<(), ApiError> {
    check_symmetric(key)?;
    if key.record().origin == Origin::AwsKms {
        return Ok(());
    }
    let message =
        format!("{} origin is {} which is not valid for this operation.", key.arn_text(), key.record().origin);
    Err(ApiError::new(ErrorCode::UnsupportedOperation, message))
}

/// Checks that a key is of the kind that rotates when it is asked to: also one with imported material does.
///
/// # Errors
/// `UnsupportedOperationException`.
pub fn check_rotates_on_demand(key: &KeyEntry) -> Result<(), ApiError> {
    if key.record().origin == Origin::External { check_symmetric(key) } else { check_rotates(key) }
}

/// Checks that a key is one for symmetric encryption; no other kind has versions of material.
///
/// # Errors
/// `UnsupportedOperationException`, without a message as the service answers it.
pub fn check_symmetric(key: &KeyEntry) -> Result<(), ApiError> {
    if key.record().spec == KeySpec::SymmetricDefault {
        Ok(())
    } else {
        Err(ApiError::bare(ErrorCode::UnsupportedOperation))
    }
}

/// The mark of a key in the schedule.
#[must_use]
pub fn mark(key: &KeyEntry, due: Timestamp) -> RotationKey {
    let arn = key.arn();
    (due, arn.account, arn.region.clone(), arn.key_id)
}

/// Whether a key rotates by itself now: a schedule is kept but rests while the key waits for its deletion.
#[must_use]
pub fn is_automatic(record: &KeyRecord) -> bool {
    record.rotation.is_some() && !matches!(record.state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
}

/// Rule: `RotationPeriodInDays` of EnableKeyRotation.
pub const ROTATION_PERIOD_DAYS_DEFAULT: i64 = 365;
/// Rule: "Resource quotas" of the developer guide.
pub const ON_DEMAND_ROTATIONS_MAX: u32 = 25;
const SECONDS_PER_DAY: i64 = 86_400;
