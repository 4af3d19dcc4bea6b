//! ListUserPolicies: the names of the inline policies of a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html>

use super::{holders::OfUser, inline::ListInline};

/// The operation.
pub type ListUserPolicies = ListInline<OfUser>;
