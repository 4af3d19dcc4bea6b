//! DetachUserPolicy: detaches a managed policy from a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html>

use super::{holders::OfUser, attachments::Detach};

/// The operation.
pub type DetachUserPolicy = Detach<OfUser>;
