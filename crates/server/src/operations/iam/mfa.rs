//! Devices that show one-time codes, as targets of operations.
//!
//! Not here: the account's root, which can have no device: its sessions could not be limited by one. Invariant: what is
//! looked up is of the caller's account, whatever account a serial number names.

use std::collections::BTreeMap;

use kanuki_store::Transaction;
use kanuki_types::AccountId;
use serde::Serialize;

use super::{
    members,
    shapes::User,
    tagging::{Tagged, Words},
    tags::Tag,
    users::{self, Named},
};
use crate::{
    authn::Authenticated,
    authz::{Demand, EntityAccess, Proof},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{MfaDeviceEntry, MfaDeviceRecord, PrincipalKind, StoredPrincipal},
    wire::Fields,
};

/// A device that a serial number means, if there is one.
#[derive(Debug)]
pub struct NamedDevice {
    serial: String,
    account: AccountId,
    found: Option<MfaDeviceEntry>,
}

impl NamedDevice {
    /// Looks a serial number up in the caller's account.
    pub(super) async fn find(doors: &Doors, caller: &Authenticated, serial: &str) -> Result<Self, ApiError> {
        let account = caller.caller().account;
        let found = doors.identity.mfa_device(serial).await?.filter(|device| device.account == account);
        Ok(Self { serial: serial.into(), account, found })
    }

    /// The access to it that an action needs.
    pub(super) fn demand(&self, action: &'static str) -> Demand {
        let tags = self.found.as_ref().map(|device| device.record.tags.clone()).unwrap_or_default();
        Demand::on_entity(action, access(self.account, self.serial.clone(), tags))
    }

    /// The device.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(&self) -> Result<&MfaDeviceEntry, ApiError> {
        self.found.as_ref().ok_or_else(|| no_such(&self.serial))
    }

    /// The device, if it is that user's.
    ///
    /// # Errors
    /// `NoSuchEntity` otherwise.
    pub(super) fn get_of(&self, user: &StoredPrincipal) -> Result<&MfaDeviceEntry, ApiError> {
        let device = self.get()?;
        let is_theirs = device.record.assigned.as_ref().is_some_and(|assigned| assigned.user == *user.id());
        if is_theirs { Ok(device) } else { Err(no_such(&self.serial)) }
    }
}

impl Tagged for NamedDevice {
    type Target = Self;
    const WORDS: Words = Words {
        member: "SerialNumber",
        tag: ("TagMFADevice", "iam:TagMFADevice"),
        untag: ("UntagMFADevice", "iam:UntagMFADevice"),
        list: ("ListMFADeviceTags", "iam:ListMFADeviceTags"),
        quota: "TagsPerMFADevice",
    };

    fn read_name(fields: &mut Fields) -> Result<String, ApiError> {
        serial(fields)
    }

    async fn find(doors: &Doors, caller: &Authenticated, name: &str) -> Result<Self, ApiError> {
        members::check_entity_arn(name, "mfa")?;
        Self::find(doors, caller, name).await
    }

    fn demand(target: &Self, _: &Authenticated, action: &'static str) -> Result<Demand, ApiError> {
        Ok(target.demand(action))
    }

    fn tags(target: &Self) -> Result<&BTreeMap<String, String>, ApiError> {
        Ok(&target.get()?.record.tags)
    }

    async fn put_tags(
        _: &Doors,
        change: &mut Transaction,
        _: &Proof,
        target: &Self,
        tags: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let device = target.get()?;
        device.update(change, &MfaDeviceRecord { tags, ..device.record.clone() });
        Ok(())
    }
}

/// A device as a resource.
pub(super) fn access(account: AccountId, serial: String, tags: BTreeMap<String, String>) -> EntityAccess {
    EntityAccess { arn: serial, account: Some(account), kind: "AWS::IAM::VirtualMFADevice", tags }
}

/// The user that a call is about: the named one, else the calling one.
pub(super) async fn user_or_caller(
    doors: &Doors,
    caller: &Authenticated,
    name: Option<&String>,
) -> Result<Named, ApiError> {
    let name = match name {
        Some(name) => Some(name.clone()),
        None => users::calling_user(caller)?,
    };
    let name = name.ok_or_else(|| {
        ApiError::validation("Must specify userName when calling with credentials of the account's root")
    })?;
    Named::find(doors, caller, PrincipalKind::User, &name).await
}

/// Reads a serial number.
pub(super) fn serial(fields: &mut Fields) -> Result<String, ApiError> {
    let is_serial_char = |c: char| c.is_ascii_alphanumeric() || "_+=/:,.@-".contains(c);
    let serial = fields.pattern_text("SerialNumber", 9..=SERIAL_CHARS_MAX, "[\\w+=/:,.@-]+", is_serial_char)?;
    Ok(fields.require("SerialNumber", serial))
}

/// Reads a one-time code.
pub(super) fn code(fields: &mut Fields, member: &str) -> Result<String, ApiError> {
    let code = fields.unrepeated_text(member, 6..=6, Some(("[\\d]+", |c| c.is_ascii_digit())))?;
    Ok(fields.require(member, code))
}

/// Reads the name of a user that may be left out.
pub(super) fn user_name(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    members::name(fields, "UserName", members::NAME_CHARS_MAX)
}

fn no_such(serial: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}

/// A device as lists of all of them show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VirtualMfaDevice {
    pub(super) serial_number: String,
    pub(super) user: Option<User>,
    pub(super) enable_date: Option<String>,
    pub(super) tags: Option<Vec<Tag>>,
}

/// A device of a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MfaDevice {
    pub(super) user_name: String,
    pub(super) serial_number: String,
    pub(super) enable_date: String,
}

/// Longest serial number, in characters.
pub(super) const SERIAL_CHARS_MAX: usize = 256;
