//! ListMFADevices: the devices of a user by serial number.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>

use serde::Serialize;

use super::{
    mfa::{self, MfaDevice},
    shapes::instant,
    users::Named,
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
pub struct ListMfaDevices;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user_name: Option<String>,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "MFADevices")]
    devices: Vec<MfaDevice>,
    #[serde(rename = "IsTruncated")]
    is_truncated: bool,
    #[serde(rename = "Marker")]
    marker: Option<String>,
}

impl Operation for ListMfaDevices {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListMFADevices", &["UserName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = Named;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { user_name: mfa::user_name(fields)?, page: PageRequest::read_items(fields, "ListMFADevices")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Named>, ApiError> {
        let user = mfa::user_or_caller(doors, caller, input.user_name.as_ref()).await?;
        let demand = user.demand("iam:ListMFADevices");
        Ok(Plan::new(user, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (page, user) = (&authorized.input().page, authorized.target().get()?);
        let serials = user.record().mfa_devices.iter();
        let serials = serials.filter(|serial| page.after.as_ref().is_none_or(|after| serial.as_bytes() > after.as_slice()));
        let found = page.page(serials.take(page.limit.saturating_add(1)).collect(), |serial| serial.as_bytes().to_vec());
        let mut devices = Vec::with_capacity(found.items.len());
        for serial in found.items {
            let device = doors.identity.mfa_device(serial).await?;
            // One that was taken away a moment ago is no longer this user's.
            let Some(assigned) = device.and_then(|device| device.record.assigned) else { continue };
            devices.push(MfaDevice {
                user_name: user.record().name.clone(),
                serial_number: serial.clone(),
                enable_date: instant(assigned.since),
            });
        }
        Ok(Outcome::answer(Output { devices, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
