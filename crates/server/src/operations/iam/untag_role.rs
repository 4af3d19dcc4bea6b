//! UntagRole: removes tags of a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html>

use super::{holders::OfRole, tagging::RemoveTags};

/// The operation.
pub type UntagRole = RemoveTags<OfRole>;
