//! DetachGroupPolicy: detaches a managed policy from a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachGroupPolicy.html>

use super::{holders::OfGroup, attachments::Detach};

/// The operation.
pub type DetachGroupPolicy = Detach<OfGroup>;
