//! UntagOpenIDConnectProvider: removes tags from an identity provider.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagOpenIDConnectProvider.html>

use super::{oidc::NamedProvider, tagging::RemoveTags};

/// The operation.
pub type UntagOpenIdConnectProvider = RemoveTags<NamedProvider>;
