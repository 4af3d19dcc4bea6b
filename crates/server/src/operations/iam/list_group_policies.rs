//! ListGroupPolicies: the names of the inline policies of a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html>

use super::{holders::OfGroup, inline::ListInline};

/// The operation.
pub type ListGroupPolicies = ListInline<OfGroup>;
