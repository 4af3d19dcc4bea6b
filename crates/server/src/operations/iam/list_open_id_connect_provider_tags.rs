//! ListOpenIDConnectProviderTags: the tags of an identity provider by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviderTags.html>

use super::{oidc::NamedProvider, tagging::ListTags};

/// The operation.
pub type ListOpenIdConnectProviderTags = ListTags<NamedProvider>;
