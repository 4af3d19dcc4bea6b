//! ListMFADeviceTags: the tags of a device by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADeviceTags.html>

use super::{mfa::NamedDevice, tagging::ListTags};

/// The operation.
pub type ListMfaDeviceTags = ListTags<NamedDevice>;
