//! TagRole: adds tags to a role, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>

use super::{holders::OfRole, tagging::AddTags};

/// The operation.
pub type TagRole = AddTags<OfRole>;
