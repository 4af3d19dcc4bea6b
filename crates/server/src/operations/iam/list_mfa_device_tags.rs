//! ListMFADeviceTags: the tags of a device by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADeviceTags.html>

use serde::Serialize;

use super::{
    mfa::{self, NamedDevice},
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListMfaDeviceTags;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    serial: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListMfaDeviceTags {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListMFADeviceTags", &["SerialNumber", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = NamedDevice;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { serial: mfa::serial(fields)?, page: PageRequest::read_items(fields, "ListMFADeviceTags")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedDevice>, ApiError> {
        let device = NamedDevice::find(doors, caller, &input.serial).await?;
        let demand = device.demand("iam:ListMFADeviceTags");
        Ok(Plan::new(device, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (page, device) = (&authorized.input().page, authorized.target().get()?);
        let tags = tags::listed(&device.record.tags).into_iter();
        let tags = tags.filter(|tag| page.after.as_ref().is_none_or(|after| tag.key.as_bytes() > after.as_slice()));
        let found = page.page(tags.take(page.limit.saturating_add(1)).collect(), |tag| tag.key.clone().into_bytes());
        Ok(Outcome::answer(Output { tags: found.items, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
