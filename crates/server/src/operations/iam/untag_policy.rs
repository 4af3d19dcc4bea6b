//! UntagPolicy: removes tags of a managed policy.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html>

use super::{policies::NamedPolicy, tagging::RemoveTags};

/// The operation.
pub type UntagPolicy = RemoveTags<NamedPolicy>;
