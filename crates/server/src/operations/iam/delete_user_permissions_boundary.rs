//! DeleteUserPermissionsBoundary: takes the limit of a user away.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html>

use super::{holders::OfUser, boundaries::DeleteBoundary};

/// The operation.
pub type DeleteUserPermissionsBoundary = DeleteBoundary<OfUser>;
