//! ListAttachedRolePolicies: the managed policies that are attached to a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedRolePolicies.html>

use super::{holders::OfRole, attachments::ListAttached};

/// The operation.
pub type ListAttachedRolePolicies = ListAttached<OfRole>;
