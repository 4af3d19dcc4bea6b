//! ListAttachedGroupPolicies: the managed policies that are attached to a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedGroupPolicies.html>

use super::{holders::OfGroup, attachments::ListAttached};

/// The operation.
pub type ListAttachedGroupPolicies = ListAttached<OfGroup>;
