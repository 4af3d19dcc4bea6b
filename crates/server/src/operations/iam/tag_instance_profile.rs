//! TagInstanceProfile: adds tags to an instance profile, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagInstanceProfile.html>

use super::{profiles::NamedProfile, tagging::AddTags};

/// The operation.
pub type TagInstanceProfile = AddTags<NamedProfile>;
