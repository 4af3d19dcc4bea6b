//! PutGroupPolicy: puts an inline policy of a group, in place of the one of that name.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutGroupPolicy.html>

use super::{holders::OfGroup, inline::PutInline};

/// The operation.
pub type PutGroupPolicy = PutInline<OfGroup>;
