//! ListAttachedUserPolicies: the managed policies that are attached to a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html>

use super::{holders::OfUser, attachments::ListAttached};

/// The operation.
pub type ListAttachedUserPolicies = ListAttached<OfUser>;
