//! DeleteGroupPolicy: removes an inline policy of a group.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroupPolicy.html>

use super::{holders::OfGroup, inline::DeleteInline};

/// The operation.
pub type DeleteGroupPolicy = DeleteInline<OfGroup>;
