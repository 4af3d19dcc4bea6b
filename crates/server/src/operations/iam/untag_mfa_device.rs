//! UntagMFADevice: removes tags from a device.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagMFADevice.html>

use super::{mfa::NamedDevice, tagging::RemoveTags};

/// The operation.
pub type UntagMfaDevice = RemoveTags<NamedDevice>;
