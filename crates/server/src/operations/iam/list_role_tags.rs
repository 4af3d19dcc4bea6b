//! ListRoleTags: the tags of a role by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html>

use super::{holders::OfRole, tagging::ListTags};

/// The operation.
pub type ListRoleTags = ListTags<OfRole>;
