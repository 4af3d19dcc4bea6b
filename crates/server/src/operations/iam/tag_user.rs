//! TagUser: adds tags to a user, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html>

use super::{holders::OfUser, tagging::AddTags};

/// The operation.
pub type TagUser = AddTags<OfUser>;
