//! ListVirtualMFADevices: the devices of the account, without seeds and tags.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html>

use serde::Serialize;

use super::{
    mfa::VirtualMfaDevice,
    shapes::{Detail, User, instant},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::MfaDeviceEntry,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListVirtualMfaDevices;

/// Which devices are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Any,
    Assigned,
    Unassigned,
}

impl Status {
    const ALL: &'static [Self] = &[Self::Assigned, Self::Unassigned, Self::Any];

    const fn wire_name(self) -> &'static str {
        match self {
            Self::Any => "Any",
            Self::Assigned => "Assigned",
            Self::Unassigned => "Unassigned",
        }
    }

    fn takes(self, device: &MfaDeviceEntry) -> bool {
        match self {
            Self::Any => true,
            Self::Assigned => device.record.assigned.is_some(),
            Self::Unassigned => device.record.assigned.is_none(),
        }
    }
}

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    status: Status,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "VirtualMFADevices")]
    devices: Vec<VirtualMfaDevice>,
    #[serde(rename = "IsTruncated")]
    is_truncated: bool,
    #[serde(rename = "Marker")]
    marker: Option<String>,
}

impl Operation for ListVirtualMfaDevices {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListVirtualMFADevices", &["AssignmentStatus", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let status = fields.choice("AssignmentStatus", Status::ALL, Status::wire_name)?;
        Ok(Input {
            status: status.unwrap_or(Status::Any),
            page: PageRequest::read_items(fields, "ListVirtualMFADevices")?,
        })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListVirtualMFADevices")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { status, page } = authorized.input();
        let account = authorized.caller().caller().account;
        let mut after = page.after.clone();
        let (mut devices, mut examined) = (Vec::new(), 0);
        loop {
            let batch = doors.identity.mfa_devices(account, after.as_deref(), BATCH).await?;
            let is_last = batch.len() < BATCH;
            for (key, device) in batch {
                if devices.len() >= page.limit || examined >= EXAMINED_MAX {
                    let marker = after.map(|after| page.marker(&after));
                    return Ok(Outcome::answer(Output { devices, is_truncated: marker.is_some(), marker }));
                }
                if status.takes(&device) {
                    devices.push(listed(doors, &device).await?);
                }
                after = Some(key);
                examined += 1;
            }
            if is_last {
                return Ok(Outcome::answer(Output { devices, is_truncated: false, marker: None }));
            }
        }
    }
}

async fn listed(doors: &Doors, device: &MfaDeviceEntry) -> Result<VirtualMfaDevice, ApiError> {
    let assigned = device.record.assigned.as_ref();
    let user = match assigned {
        Some(assigned) => doors.identity.stored_principal(device.account, &assigned.user).await?,
        None => None,
    };
    Ok(VirtualMfaDevice {
        serial_number: device.serial(),
        user: user.map(|user| User::of(&user, Detail::Listed, None)),
        enable_date: assigned.map(|assigned| instant(assigned.since)),
        tags: None,
    })
}

/// How many devices are read at once.
const BATCH: usize = 200;
/// Most devices that one page looks at.
const EXAMINED_MAX: usize = 2000;
