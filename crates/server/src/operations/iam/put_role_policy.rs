//! PutRolePolicy: puts an inline policy of a role, in place of the one of that name.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>

use super::{holders::OfRole, inline::PutInline};

/// The operation.
pub type PutRolePolicy = PutInline<OfRole>;
