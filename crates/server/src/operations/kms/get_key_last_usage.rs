//! GetKeyLastUsage: when a key was last used, by which operation, and which record of the trail tells of it.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html>

use std::sync::Arc;

use kanuki_types::KeyId;
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, KeyEntry, Names},
    last_usage::Use,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetKeyLastUsage;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: KeyId,
    key_last_usage: LastUsage,
    tracking_start_date: Epoch,
    key_creation_date: Epoch,
}

/// The last use; without members if there was none.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LastUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_trail_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_request_id: Option<String>,
}

impl From<Use> for LastUsage {
    fn from(last: Use) -> Self {
        Self {
            operation: Some(last.operation),
            timestamp: Some(Epoch(last.time)),
            cloud_trail_event_id: Some(last.event_id),
            kms_request_id: Some(last.request_id),
        }
    }
}

impl Operation for GetKeyLastUsage {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GetKeyLastUsage", &["KeyId"]);
    /// The key identifier.
    type Input = String;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::key_id(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, input, Names::Keys, |name| Demand::on_name("kms:GetKeyLastUsage", name))
            .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        let created = key.record().created;
        Ok(Outcome::answer(Output {
            key_id: key.arn().key_id,
            key_last_usage: doors.last_usage.of(key.arn()).await?.map(LastUsage::from).unwrap_or_default(),
            tracking_start_date: Epoch(doors.last_usage.since().map_or(created, |since| since.max(created))),
            key_creation_date: Epoch(created),
        }))
    }
}
