//! DeleteRolePolicy: removes an inline policy of a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html>

use super::{holders::OfRole, inline::DeleteInline};

/// The operation.
pub type DeleteRolePolicy = DeleteInline<OfRole>;
