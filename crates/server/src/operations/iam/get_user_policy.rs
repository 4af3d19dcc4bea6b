//! GetUserPolicy: an inline policy of a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html>

use super::{holders::OfUser, inline::GetInline};

/// The operation.
pub type GetUserPolicy = GetInline<OfUser>;
