//! UntagUser: removes tags of a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html>

use super::{holders::OfUser, tagging::RemoveTags};

/// The operation.
pub type UntagUser = RemoveTags<OfUser>;
