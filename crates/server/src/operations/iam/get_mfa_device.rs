//! GetMFADevice: a device of a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html>

use super::{
    mfa::{self, MfaDevice, NamedDevice},
    shapes::instant,
    users::Named,
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
pub struct GetMfaDevice;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user_name: Option<String>,
    serial: String,
}

impl Operation for GetMfaDevice {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetMFADevice", &["UserName", "SerialNumber"]);
    type Input = Input;
    type Target = (Named, NamedDevice);
    type Output = MfaDevice;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { user_name: mfa::user_name(fields)?, serial: mfa::serial(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let user = mfa::user_or_caller(doors, caller, input.user_name.as_ref()).await?;
        let device = NamedDevice::find(doors, caller, &input.serial).await?;
        let demand = user.demand("iam:GetMFADevice");
        Ok(Plan::new((user, device), demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<MfaDevice>, ApiError> {
        let (user, device) = authorized.target();
        let user = user.get()?;
        let device = device.get_of(user)?;
        let since = device.record.assigned.as_ref().map_or(device.record.created, |assigned| assigned.since);
        let answer = MfaDevice {
            user_name: user.record().name.clone(),
            serial_number: device.serial(),
            enable_date: instant(since),
        };
        Ok(Outcome::answer(answer))
    }
}
