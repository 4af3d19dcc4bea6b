//! PutUserPolicy: puts an inline policy of a user, in place of the one of that name.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>

use super::{holders::OfUser, inline::PutInline};

/// The operation.
pub type PutUserPolicy = PutInline<OfUser>;
