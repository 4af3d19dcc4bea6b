//! DeleteUserPolicy: removes an inline policy of a user.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html>

use super::{holders::OfUser, inline::DeleteInline};

/// The operation.
pub type DeleteUserPolicy = DeleteInline<OfUser>;
