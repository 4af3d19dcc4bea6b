//! TagOpenIDConnectProvider: adds tags to an identity provider.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagOpenIDConnectProvider.html>

use super::{oidc::NamedProvider, tagging::AddTags};

/// The operation.
pub type TagOpenIdConnectProvider = AddTags<NamedProvider>;
