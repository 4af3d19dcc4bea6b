//! ResyncMFADevice: follows the clock of a device that has gone astray, shown by two consecutive codes.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html>

use kanuki_store::Transaction;

use super::{enable_mfa_device::Input, mfa::NamedDevice, users::Named};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::RESYNC_REACH_STEPS,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ResyncMfaDevice;

impl Operation for ResyncMfaDevice {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "ResyncMFADevice", &["UserName", "SerialNumber"]);
    type Input = Input;
    type Target = (Named, NamedDevice);
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Input::read(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let (user, device) = input.find(doors, caller).await?;
        let demand = user.demand("iam:ResyncMFADevice");
        Ok(Plan::new((user, device), demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, (user, device)) = (authorized.input(), authorized.target());
        let device = device.get_of(user.get()?)?;
        let codes = (input.codes.0.as_str(), input.codes.1.as_str());
        let now = authorized.circumstances().now;
        let record = doors.identity.synchronised(device, codes, RESYNC_REACH_STEPS, now).await?;
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
