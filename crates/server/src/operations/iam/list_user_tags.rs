//! ListUserTags: the tags of a user by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html>

use super::{holders::OfUser, tagging::ListTags};

/// The operation.
pub type ListUserTags = ListTags<OfUser>;
