//! GetKeyRotationStatus: whether a key rotates by itself, how often, and when next.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>

use std::sync::Arc;

use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, KeyEntry, Names, check_rotates, check_symmetric, is_automatic},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetKeyRotationStatus;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    key_rotation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period_in_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<Epoch>,
}

impl Operation for GetKeyRotationStatus {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GetKeyRotationStatus", &["KeyId"]);
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
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:GetKeyRotationStatus", name)).await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        // A key of another kind is not refused: it rotates never, and clients ask for every key that was made here.
        if check_symmetric(key).is_ok() {
            check_rotates(key)?;
        }
        let schedule = key.record().rotation.filter(|_| is_automatic(key.record()));
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            key_rotation_enabled: schedule.is_some(),
            rotation_period_in_days: schedule.map(|schedule| schedule.period_days),
            next_rotation_date: schedule.map(|schedule| Epoch(schedule.next)),
        }))
    }
}
