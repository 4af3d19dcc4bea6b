//! DeleteRolePermissionsBoundary: takes the limit of a role away.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html>

use super::{holders::OfRole, boundaries::DeleteBoundary};

/// The operation.
pub type DeleteRolePermissionsBoundary = DeleteBoundary<OfRole>;
