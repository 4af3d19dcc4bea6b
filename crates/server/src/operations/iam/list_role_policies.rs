//! ListRolePolicies: the names of the inline policies of a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html>

use super::{holders::OfRole, inline::ListInline};

/// The operation.
pub type ListRolePolicies = ListInline<OfRole>;
