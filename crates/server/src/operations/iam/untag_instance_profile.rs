//! UntagInstanceProfile: removes tags of an instance profile.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagInstanceProfile.html>

use super::{profiles::NamedProfile, tagging::RemoveTags};

/// The operation.
pub type UntagInstanceProfile = RemoveTags<NamedProfile>;
