//! EnableMFADevice: gives a device to a user who shows two consecutive codes of it.
//!
//! Not here: devices other than virtual ones.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html>

use kanuki_store::Transaction;

use super::{
    members,
    mfa::{self, NamedDevice},
    users::Named,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{Assignment, ENABLE_REACH_STEPS, PrincipalKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct EnableMfaDevice;

/// What the client sends; the codes are kept out of sight.
pub struct Input {
    pub(super) user_name: String,
    pub(super) serial: String,
    pub(super) codes: (String, String),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("serial", &self.serial).finish_non_exhaustive()
    }
}

impl Input {
    /// Reads a user, a device and two codes.
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        Ok(Self {
            user_name: members::required_name(fields, "UserName", members::NAME_CHARS_MAX)?,
            serial: mfa::serial(fields)?,
            codes: (mfa::code(fields, "AuthenticationCode1")?, mfa::code(fields, "AuthenticationCode2")?),
        })
    }

    /// Looks up both.
    pub(super) async fn find(&self, doors: &Doors, caller: &Authenticated) -> Result<(Named, NamedDevice), ApiError> {
        let user = Named::find(doors, caller, PrincipalKind::User, &self.user_name).await?;
        Ok((user, NamedDevice::find(doors, caller, &self.serial).await?))
    }
}

impl Operation for EnableMfaDevice {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "EnableMFADevice", &["UserName", "SerialNumber"]);
    type Input = Input;
    type Target = (Named, NamedDevice);
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Input::read(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let (user, device) = input.find(doors, caller).await?;
        let demand = user.demand("iam:EnableMFADevice");
        Ok(Plan::new((user, device), demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, (user, device)) = (authorized.input(), authorized.target());
        let (user, device) = (user.get()?, device.get()?);
        if device.record.assigned.is_some() {
            let message = format!("MFADevice with serial number {} is already assigned.", input.serial);
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        let mut owner = user.record().clone();
        if owner.mfa_devices.len() >= DEVICES_PER_USER_MAX {
            return Err(members::over_quota("MfaDevicesPerUser", DEVICES_PER_USER_MAX));
        }
        let now = authorized.circumstances().now;
        let codes = (input.codes.0.as_str(), input.codes.1.as_str());
        let mut record = doors.identity.synchronised(device, codes, ENABLE_REACH_STEPS, now).await?;
        record.assigned = Some(Assignment { user: user.id().clone(), since: now });
        owner.mfa_devices.insert(device.serial());
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        doors.identity.update_principal(&mut change, authorized.proof(), user, &owner).await?;
        Ok(Outcome::silent_change(change))
    }
}

/// Most devices of a user ("IAM and AWS STS quotas" of the IAM user guide).
const DEVICES_PER_USER_MAX: usize = 8;
