//! ListInstanceProfileTags: the tags of an instance profile by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfileTags.html>

use super::{profiles::NamedProfile, tagging::ListTags};

/// The operation.
pub type ListInstanceProfileTags = ListTags<NamedProfile>;
