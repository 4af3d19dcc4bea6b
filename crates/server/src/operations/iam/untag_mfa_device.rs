//! UntagMFADevice: removes tags from a device.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagMFADevice.html>

use kanuki_store::Transaction;

use super::{
    mfa::{self, NamedDevice},
    tags,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UntagMfaDevice;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    serial: String,
    keys: Vec<String>,
}

impl Operation for UntagMfaDevice {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "UntagMFADevice", &["SerialNumber", "TagKeys"]);
    type Input = Input;
    type Target = NamedDevice;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let keys = fields.texts("TagKeys", 0..=tags::TAGS_MAX, 1..=128)?;
        Ok(Input { serial: mfa::serial(fields)?, keys: fields.require("TagKeys", keys) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedDevice>, ApiError> {
        let device = NamedDevice::find(doors, caller, &input.serial).await?;
        let mut demand = device.demand("iam:UntagMFADevice");
        demand.facts.insert("aws:TagKeys", input.keys.clone());
        Ok(Plan::new(device, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let device = authorized.target().get()?;
        let mut record = device.record.clone();
        tags::remove(&mut record.tags, &authorized.input().keys);
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
