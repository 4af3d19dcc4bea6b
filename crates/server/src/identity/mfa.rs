//! Devices that show one-time codes: their records, and whether a code is right.
//!
//! Not here: codes and seeds; the keeper has those. Invariants: a step is taken once: the last one that was is stored
//! before anything is decided on the code; wrong codes are counted durably, and above [`FAILURES_MAX`] of them no code of
//! the device is looked at until [`FAILURES_SECONDS`] have passed.

use std::collections::BTreeMap;

use kanuki_keeper_protocol::MfaSteps;
use kanuki_store::{Keyspace, StoreError, Transaction, Versioned};
use kanuki_types::{AccountId, CallerKind, PARTITION, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::Identity;
use crate::{
    authn::{Authenticated, SecondFactor},
    error::{ApiError, ErrorCode},
    keyspaces,
};

/// Devices by account and lower-case path and name.
#[derive(Debug)]
pub struct MfaDevices;

impl Keyspace for MfaDevices {
    const ID: u8 = keyspaces::MFA_DEVICES;
    const NAME: &'static str = "MFA devices";
    type Key = (AccountId, String);
    type Value = MfaDeviceRecord;
}

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaDeviceRecord {
    /// `/` or `/…/`.
    pub path: String,
    /// The name, in the spelling it was made with.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The seed, sealed by the keeper, in base64.
    #[serde(with = "crate::base64_text")]
    pub sealed_seed: Vec<u8>,
    /// The user whose it is, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assignment>,
    /// The last step whose code was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_taken: Option<u64>,
    /// How many steps the device's clock is ahead of ours.
    #[serde(default)]
    pub drift: i64,
    /// When the last wrong codes came, at most [`FAILURES_MAX`].
    #[serde(default)]
    pub failures: Vec<Timestamp>,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Whose a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The user.
    pub user: UniqueId,
    /// Since when.
    pub since: Timestamp,
}

/// A device that is stored.
#[derive(Debug, Clone)]
pub struct MfaDeviceEntry {
    /// Its account.
    pub account: AccountId,
    /// The version that a change has to name.
    pub version: u64,
    /// The record.
    pub record: MfaDeviceRecord,
}

impl MfaDeviceEntry {
    /// The serial number, which is the ARN.
    #[must_use]
    pub fn serial(&self) -> String {
        mfa_serial(self.account, &self.record.path, &self.record.name)
    }

    /// Writes it anew.
    pub fn update(&self, change: &mut Transaction, record: &MfaDeviceRecord) {
        change.update::<MfaDevices>(&key(self.account, &record.path, &record.name), self.version, record);
    }
}

/// The serial number of a device.
#[must_use]
pub fn mfa_serial(account: AccountId, path: &str, name: &str) -> String {
    format!("arn:{PARTITION}:iam::{account}:mfa{path}{name}")
}

/// What a code was found to be.
#[derive(Debug)]
pub struct CheckedCode {
    /// What must be durable before anybody acts on the result.
    pub change: Transaction,
    /// Whether it is right.
    pub result: Result<(), ApiError>,
}

impl Identity {
    /// The device with that serial number.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn mfa_device(&self, serial: &str) -> Result<Option<MfaDeviceEntry>, StoreError> {
        let Some((account, path_and_name)) = split_serial(serial) else { return Ok(None) };
        let found = self.store.get::<MfaDevices>(&(account, path_and_name.to_ascii_lowercase())).await?;
        let entry = found.map(|Versioned { version, value: record }| MfaDeviceEntry { account, version, record });
        Ok(entry.filter(|entry| entry.serial() == serial))
    }

    /// Whether a device has that path and name, without regard to case.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn mfa_device_exists(&self, account: AccountId, path: &str, name: &str) -> Result<bool, StoreError> {
        Ok(self.store.get::<MfaDevices>(&key(account, path, name)).await?.is_some())
    }

    /// Devices of an account in the order of their paths and names, after a key and at most `limit`, with their keys.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn mfa_devices(
        &self,
        account: AccountId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, MfaDeviceEntry)>, StoreError> {
        use kanuki_store::KeyBytes as _;

        let found = self.store.scan::<MfaDevices>(&account.to_key(), after, limit).await?;
        let entries = found.into_iter().map(|(key, Versioned { version, value: record })| {
            (key.to_key(), MfaDeviceEntry { account, version, record })
        });
        Ok(entries.collect())
    }

    /// Makes a seed; answers it sealed, and as the text that is shown once.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn new_mfa_seed(&self, serial: &str) -> Result<(Vec<u8>, kanuki_types::SecretBytes), ApiError> {
        Ok(self.keeper.create_mfa_seed(serial).await?)
    }

    /// Writes a new device.
    pub fn create_mfa_device(&self, change: &mut Transaction, account: AccountId, record: &MfaDeviceRecord) {
        change.create::<MfaDevices>(&key(account, &record.path, &record.name), record);
    }

    /// Removes a device.
    pub fn delete_mfa_device(&self, change: &mut Transaction, device: &MfaDeviceEntry) {
        let MfaDeviceRecord { path, name, .. } = &device.record;
        change.delete::<MfaDevices>(&key(device.account, path, name), device.version);
    }

    /// Checks two codes that follow each other, as a device is given to a user or its clock is followed; answers the
    /// record with what was learnt.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode` if they do not fit; or if the keeper fails.
    pub async fn synchronised(
        &self,
        device: &MfaDeviceEntry,
        (code, next_code): (&str, &str),
        reach: u32,
        now: Timestamp,
    ) -> Result<MfaDeviceRecord, ApiError> {
        let record = &device.record;
        let present = step_of(now);
        let steps = MfaSteps { present, reach, last_taken: record.last_taken };
        let serial = device.serial();
        let taken = self.keeper.check_mfa_code(&serial, &record.sealed_seed, code, Some(next_code), steps).await?;
        let taken = taken.ok_or_else(|| {
            ApiError::new(ErrorCode::InvalidAuthenticationCode, "Authentication code for device is not valid.")
        })?;
        // Within the window of every login there is nothing to remember, and it stays in the middle.
        let ahead = i64::try_from(i128::from(taken) - i128::from(present)).unwrap_or_default();
        let drift = if ahead.unsigned_abs() <= u64::from(LOGIN_REACH_STEPS) { 0 } else { ahead };
        Ok(MfaDeviceRecord { last_taken: Some(taken), drift, failures: Vec::new(), ..record.clone() })
    }

    /// Checks the code that a request presents, of a device of the calling user. Nothing may be decided on the result
    /// before the change is durable.
    ///
    /// # Errors
    /// If store or keeper fail.
    pub async fn check_code(
        &self,
        caller: &Authenticated,
        factor: &SecondFactor,
        now: Timestamp,
    ) -> Result<CheckedCode, ApiError> {
        let refused = |message: &str| {
            let result = Err(ApiError::new(ErrorCode::AccessDenied, message));
            Ok(CheckedCode { change: Transaction::default(), result })
        };
        let (Some(serial), Some(code)) = (&factor.serial, &factor.code) else { return refused(INCOMPLETE) };
        let CallerKind::User { id, .. } = &caller.caller().kind else { return refused(NOT_THIS_USERS) };
        let device = self.mfa_device(serial).await?.filter(|device| {
            device.account == caller.caller().account
                && device.record.assigned.as_ref().is_some_and(|assigned| assigned.user == *id)
        });
        let Some(device) = device else { return refused(NOT_THIS_USERS) };
        let mut record = device.record.clone();
        record.failures.retain(|failure| *failure > now.plus_seconds(-FAILURES_SECONDS));
        if record.failures.len() >= FAILURES_MAX {
            return refused(WRONG_CODE);
        }
        let present = step_of(now).saturating_add_signed(record.drift);
        let steps = MfaSteps { present, reach: LOGIN_REACH_STEPS, last_taken: record.last_taken };
        let taken = self.keeper.check_mfa_code(serial, &record.sealed_seed, code, None, steps).await?;
        let result = match taken {
            Some(step) => {
                record.last_taken = Some(step);
                record.failures.clear();
                Ok(())
            }
            None => {
                record.failures.push(now);
                Err(ApiError::new(ErrorCode::AccessDenied, WRONG_CODE))
            }
        };
        let mut change = Transaction::default();
        device.update(&mut change, &record);
        Ok(CheckedCode { change, result })
    }
}

/// The step of an instant (RFC 6238 section 4.2); the first one for instants before the epoch.
fn step_of(now: Timestamp) -> u64 {
    u64::try_from(now.seconds() / STEP_SECONDS).unwrap_or_default()
}

fn key(account: AccountId, path: &str, name: &str) -> (AccountId, String) {
    (account, format!("{path}{name}").to_ascii_lowercase())
}

/// The account, and the path with the name, of a virtual device's serial number.
fn split_serial(serial: &str) -> Option<(AccountId, &str)> {
    let rest = serial.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":iam::")?;
    let (account, resource) = rest.split_once(':')?;
    let path_and_name = resource.strip_prefix("mfa").filter(|rest| rest.starts_with('/'))?;
    Some((account.parse().ok()?, path_and_name))
}

/// Length of a step, in seconds.
const STEP_SECONDS: i64 = 30;
/// Steps before and after the present one whose code is taken at a login.
const LOGIN_REACH_STEPS: u32 = 1;
/// Steps that the codes may be away when a device is given to a user: five minutes.
pub(crate) const ENABLE_REACH_STEPS: u32 = 10;
/// Steps that the codes may be away when a device's clock is followed: fifty minutes.
pub(crate) const RESYNC_REACH_STEPS: u32 = 100;
/// Most wrong codes of a device in [`FAILURES_SECONDS`].
pub(crate) const FAILURES_MAX: usize = 5;
/// How long a wrong code counts, in seconds.
pub(crate) const FAILURES_SECONDS: i64 = 300;

const INCOMPLETE: &str =
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";
const NOT_THIS_USERS: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA \
                              serial number is valid and associated with this user.";
const WRONG_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
