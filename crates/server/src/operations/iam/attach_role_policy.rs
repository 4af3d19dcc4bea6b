//! AttachRolePolicy: attaches a managed policy to a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>

use super::{holders::OfRole, attachments::Attach};

/// The operation.
pub type AttachRolePolicy = Attach<OfRole>;
