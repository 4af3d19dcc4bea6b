//! ListKeys: every key of the caller's account in the Region.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>

use kanuki_types::KeyId;
use serde::Serialize;

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Page, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListKeys;

/// A key of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyListEntry {
    key_id: KeyId,
    key_arn: String,
}

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    keys: Vec<KeyListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for ListKeys {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "ListKeys", &["Limit", "Marker"]);
    type Input = PageRequest;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<PageRequest, ApiError> {
        PageRequest::read(fields, "ListKeys", 100, 1000)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &PageRequest) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:ListKeys")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let caller = authorized.caller();
        let page = doors.keys.list(caller.caller().account, caller.region(), authorized.input()).await?;
        let Page { items, next } = page;
        let keys = items.iter().map(|arn| KeyListEntry { key_id: arn.key_id, key_arn: arn.to_string() }).collect();
        Ok(Outcome::answer(Output { keys, truncated: next.is_some(), next_marker: next }))
    }
}
