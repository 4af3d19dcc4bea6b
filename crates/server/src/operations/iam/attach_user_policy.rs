//! AttachUserPolicy: attaches a managed policy to a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html>

use super::{holders::OfUser, attachments::Attach};

/// The operation.
pub type AttachUserPolicy = Attach<OfUser>;
