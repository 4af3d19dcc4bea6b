//! How long a key has gone unused: the condition key `kms:TrailingDaysWithoutKeyUsage` of the operations that end its use.
//!
//! Not here: what counts as a use, which `last_usage` knows. Invariant: the days are whole ones, and count from the last
//! use; of a key that was not used yet from its making, or from when uses began to be noted if that was later.
//!
//! Rule: "kms:TrailingDaysWithoutKeyUsage" of the AWS KMS developer guide.

use crate::{
    authz::{Access, Demand},
    doors::Doors,
    error::ApiError,
};

/// Adds the condition key to a demand on a key.
///
/// # Errors
/// If the store fails.
pub(super) async fn with_unused_days(doors: &Doors, demand: Demand) -> Result<Demand, ApiError> {
    let Access::Key { entry, .. } = &demand.access else { return Ok(demand) };
    let created = entry.record().created;
    let from = match doors.last_usage.of(entry.arn()).await? {
        Some(last) => last.time,
        None => doors.last_usage.since().map_or(created, |since| since.max(created)),
    };
    let days = doors.clock.now().seconds().saturating_sub(from.seconds()).max(0) / SECONDS_PER_DAY;
    Ok(demand.with_fact("kms:TrailingDaysWithoutKeyUsage", days.to_string()))
}

const SECONDS_PER_DAY: i64 = 86_400;
