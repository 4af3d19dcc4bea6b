//! ListPolicyTags: the tags of a managed policy by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html>

use super::{policies::NamedPolicy, tagging::ListTags};

/// The operation.
pub type ListPolicyTags = ListTags<NamedPolicy>;
