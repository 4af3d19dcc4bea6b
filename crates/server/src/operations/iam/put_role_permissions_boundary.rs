//! PutRolePermissionsBoundary: sets the managed policy that limits a role.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html>

use super::{holders::OfRole, boundaries::PutBoundary};

/// The operation.
pub type PutRolePermissionsBoundary = PutBoundary<OfRole>;
