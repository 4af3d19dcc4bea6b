//! GetRolePolicy: an inline policy of a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>

use super::{holders::OfRole, inline::GetInline};

/// The operation.
pub type GetRolePolicy = GetInline<OfRole>;
