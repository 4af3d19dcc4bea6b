//! The call that nobody made, as an operator describes it.
//!
//! Not here: what its names stand for. Invariant: a member that is not known is refused.

use std::{collections::BTreeMap, net::IpAddr};

use kanuki_types::{AccountId, Region};
use serde::{Deserialize, Serialize};

/// A call that nobody made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupposedCall {
    /// The ARN of a user, role, session, root or identity provider, or a service's name.
    pub principal: String,
    /// The action, such as `kms:Decrypt`.
    pub action: String,
    /// A key by id, alias or ARN; another ARN; none for an action without resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Whose the resource is, where its name does not tell; none means the caller's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<AccountId>,
    /// A policy of the resource, in place of the one that is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<String>,
    /// The Region; none means the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The encryption context.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Condition keys that the call is supposed to have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Vec<String>>,
    /// The session of the caller, if it is none with long-term credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SupposedSession>,
    /// What an identity provider says of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SupposedToken>,
    /// Services through which the call comes, in the order in which they call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// For which account a service calls by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_account: Option<AccountId>,
    /// For which resource a service calls by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<IpAddr>,
    /// When the call is made, such as `2026-05-21T05:47:45Z`; none means now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What is attested of the recipient, by the part of the condition key behind `kms:RecipientAttestation:`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attestation: BTreeMap<String, String>,
    /// The recipient's attestation document; it is verified as a real one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestation_document: Option<SupposedDocument>,
    /// Grant tokens that the call presents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_tokens: Vec<String>,
    /// The grant that the call is to retire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
}

/// An attestation document; base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SupposedDocument(#[serde(with = "crate::base64_text")] pub Vec<u8>);

/// The session of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupposedSession {
    /// The name of the session of a role; none for the one that the principal's ARN names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of a federated session that the user makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federated_user: Option<String>,
    /// The session policy that is given as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Managed policies that limit the session.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// Tags of the session.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How many seconds ago the code was accepted on which the session was made; none for a session without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa_age_seconds: Option<u32>,
    /// How many seconds ago the session was made; none means with the code, and else now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u32>,
    /// Who is behind the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
}

/// What the token of an identity provider says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupposedToken {
    /// The provider's ARN; none if it is the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// For whom the token was made.
    pub audience: String,
    /// Whom it is about.
    pub subject: String,
    /// How that one was authenticated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}
