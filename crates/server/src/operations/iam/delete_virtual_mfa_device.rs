//! DeleteVirtualMFADevice: removes a device that is nobody's.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html>

use kanuki_store::Transaction;

use super::mfa::{self, NamedDevice};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteVirtualMfaDevice;

impl Operation for DeleteVirtualMfaDevice {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "DeleteVirtualMFADevice", &["SerialNumber"]);
    type Input = String;
    type Target = NamedDevice;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        mfa::serial(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedDevice>, ApiError> {
        let device = NamedDevice::find(doors, caller, input).await?;
        let demand = device.demand("iam:DeleteVirtualMFADevice");
        Ok(Plan::new(device, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let device = authorized.target().get()?;
        if device.record.assigned.is_some() {
            let message = "MFA VirtualDevice in use. Must deactivate first.";
            return Err(ApiError::new(ErrorCode::DeleteConflict, message));
        }
        let mut change = Transaction::default();
        doors.identity.delete_mfa_device(&mut change, device);
        Ok(Outcome::silent_change(change))
    }
}
