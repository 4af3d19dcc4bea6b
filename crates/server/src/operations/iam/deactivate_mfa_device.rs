//! DeactivateMFADevice: takes a device from its user; the device stays, and can be given again.
//!
//! Not here: sessions that were made on its codes; they live on, as they do when a user's rights change.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html>

use kanuki_store::Transaction;

use super::{
    mfa::{self, NamedDevice},
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
pub struct DeactivateMfaDevice;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user_name: Option<String>,
    serial: String,
}

impl Operation for DeactivateMfaDevice {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "DeactivateMFADevice", &["UserName", "SerialNumber"]);
    type Input = Input;
    type Target = (Named, NamedDevice);
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { user_name: mfa::user_name(fields)?, serial: mfa::serial(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let user = mfa::user_or_caller(doors, caller, input.user_name.as_ref()).await?;
        let device = NamedDevice::find(doors, caller, &input.serial).await?;
        let demand = user.demand("iam:DeactivateMFADevice");
        Ok(Plan::new((user, device), demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (user, device) = authorized.target();
        let user = user.get()?;
        let device = device.get_of(user)?;
        let mut record = device.record.clone();
        record.assigned = None;
        let mut owner = user.record().clone();
        owner.mfa_devices.remove(&device.serial());
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        doors.identity.update_principal(&mut change, authorized.proof(), user, &owner).await?;
        Ok(Outcome::silent_change(change))
    }
}
