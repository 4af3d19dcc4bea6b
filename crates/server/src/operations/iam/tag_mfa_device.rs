//! TagMFADevice: adds tags to a device.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html>

use super::{mfa::NamedDevice, tagging::AddTags};

/// The operation.
pub type TagMfaDevice = AddTags<NamedDevice>;
