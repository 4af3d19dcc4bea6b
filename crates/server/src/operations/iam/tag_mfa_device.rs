//! TagMFADevice: adds tags to a device.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html>

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
pub struct TagMfaDevice;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    serial: String,
    tags: Vec<(String, String)>,
}

impl Operation for TagMfaDevice {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "TagMFADevice", &["SerialNumber", "Tags"]);
    type Input = Input;
    type Target = NamedDevice;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let tags = tags::read(fields)?;
        Ok(Input { serial: mfa::serial(fields)?, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedDevice>, ApiError> {
        let device = NamedDevice::find(doors, caller, &input.serial).await?;
        let mut demand = device.demand("iam:TagMFADevice");
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(device, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let device = authorized.target().get()?;
        let mut record = device.record.clone();
        tags::add(&mut record.tags, &authorized.input().tags, "TagsPerMFADevice")?;
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
