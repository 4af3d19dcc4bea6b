//! GetGroupPolicy: an inline policy of a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html>

use super::{holders::OfGroup, inline::GetInline};

/// The operation.
pub type GetGroupPolicy = GetInline<OfGroup>;
