//! ScheduleKeyDeletion: begins the waiting period at whose end a key is deleted for ever.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::KeyState;
use serde::Serialize;
use serde_json::json;

use super::{members, unused_days::with_unused_days};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, KeyEntry, Names, Role, check_state, schedule_deletion},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ScheduleKeyDeletion;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    window_days: i64,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    key_state: KeyState,
    pending_window_in_days: i64,
}

impl Operation for ScheduleKeyDeletion {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "ScheduleKeyDeletion", &["KeyId", "PendingWindowInDays"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let window_days = fields.integer("PendingWindowInDays", 1..=365)?.unwrap_or(WINDOW_DAYS_DEFAULT);
        if !fields.has_violations() && !WINDOW_DAYS.contains(&window_days) {
            return Err(ApiError::validation(format!(
                "PendingWindowInDays must be between {} and {}",
                WINDOW_DAYS.start(),
                WINDOW_DAYS.end()
            )));
        }
        Ok(Input { key_id, window_days })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        let name = members::resolve(doors, caller, &input.key_id, Names::Keys).await?;
        let demand = Demand::on_name("kms:ScheduleKeyDeletion", &name)
            .with_fact("kms:ScheduleKeyDeletionPendingWindowInDays", input.window_days.to_string());
        Ok(Plan::new(members::found(name), with_unused_days(doors, demand).await?))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_state(key, DELETABLE)?;
        let window_days = authorized.input().window_days;
        let mut record = key.record().clone();
        let mut change = Transaction::default();
        if has_replicas(key) {
            // The waiting period begins when the last of them is gone.
            record.state = KeyState::PendingReplicaDeletion;
            record.pending_window_days = Some(window_days);
        } else {
            let due = doors.clock.now().plus_seconds(window_days * SECONDS_PER_DAY);
            schedule_deletion(&mut change, key.arn(), &mut record, due);
        }
        key.update(&mut change, &record);
        let output = Output {
            key_id: key.arn_text().to_owned(),
            deletion_date: record.deletion_date.map(Epoch),
            key_state: record.state,
            pending_window_in_days: window_days,
        };
        let mut elements = json!({
            "keyId": output.key_id,
            "keyState": output.key_state,
            "pendingWindowInDays": window_days,
        });
        if let (Some(members), Some(due)) = (elements.as_object_mut(), record.deletion_date) {
            members.insert("deletionDate".into(), due.audit_text().into());
        }
        let cluster_id = key.store().and_then(|store| store.cluster_id());
        let data = members::outside_event_data(key.record(), cluster_id).unwrap_or_default();
        Ok(Outcome::change(change, output).with_response_elements(elements).with_event_data(data))
    }
}

/// Whether a key is the primary of replicas that are still there, deleted soon or not.
fn has_replicas(key: &KeyEntry) -> bool {
    let record = key.record();
    record.role(key.arn()) == Some(Role::Primary) && record.multi_region.iter().any(|set| !set.replicas.is_empty())
}

/// Rule: `PendingWindowInDays` of the API page.
const WINDOW_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
const WINDOW_DAYS_DEFAULT: i64 = 30;
const SECONDS_PER_DAY: i64 = 86_400;
/// The states in which a deletion can be scheduled.
const DELETABLE: &[KeyState] =
    &[KeyState::Creating, KeyState::Disabled, KeyState::Enabled, KeyState::PendingImport, KeyState::Unavailable];
