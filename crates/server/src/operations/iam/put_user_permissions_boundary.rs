//! PutUserPermissionsBoundary: sets the managed policy that limits a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html>

use super::{holders::OfUser, boundaries::PutBoundary};

/// The operation.
pub type PutUserPermissionsBoundary = PutBoundary<OfUser>;
