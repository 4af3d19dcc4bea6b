//! TagPolicy: adds tags to a managed policy, or changes their values.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html>

use super::{policies::NamedPolicy, tagging::AddTags};

/// The operation.
pub type TagPolicy = AddTags<NamedPolicy>;
