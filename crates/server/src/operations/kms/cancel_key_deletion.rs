//! CancelKeyDeletion: ends the waiting period; the key is disabled then, or pending import if it lacks material.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::KeyState;
use serde::Serialize;
use serde_json::json;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{Deletions, KeyEntry, Names, settle_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CancelKeyDeletion;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
}

impl Operation for CancelKeyDeletion {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "CancelKeyDeletion", &["KeyId"]);
    /// The key identifier.
    type Input = String;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::key_id(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &String,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:CancelKeyDeletion", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        let mut record = key.record().clone();
        if !matches!(record.state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) {
            let message = format!("{} is not pending deletion.", key.arn_text());
            return Err(ApiError::new(ErrorCode::InvalidState, message));
        }
        record.state = KeyState::Disabled;
        record.pending_window_days = None;
        settle_state(&mut record);
        let mut change = Transaction::default();
        if let Some(due) = record.deletion_date.take() {
            let arn = key.arn();
            let due = (due, arn.account, arn.region.clone(), arn.key_id);
            if let Some(mark) = doors.keys.deletion(&due).await? {
                change.delete::<Deletions>(&due, mark.version);
            }
        }
        key.update(&mut change, &record);
        let output = Output { key_id: key.arn_text().to_owned() };
        let elements = json!({ "keyId": output.key_id });
        Ok(Outcome::change(change, output).with_response_elements(elements))
    }
}
