//! AttachGroupPolicy: attaches a managed policy to a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html>

use super::{holders::OfGroup, attachments::Attach};

/// The operation.
pub type AttachGroupPolicy = Attach<OfGroup>;
