//! DetachRolePolicy: detaches a managed policy from a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html>

use super::{holders::OfRole, attachments::Detach};

/// The operation.
pub type DetachRolePolicy = Detach<OfRole>;
