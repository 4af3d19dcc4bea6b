//! `userIdentity`: who called, in CloudTrail's words.
//!
//! Rule: "CloudTrail userIdentity element" of the CloudTrail user guide.
//! Not here: who the caller is; authentication decides that.
//! Invariant: an identity never holds a secret, only the public id of an access key.

use std::borrow::Cow;

use kanuki_types::{AccountId, Caller, CallerKind, PARTITION, Timestamp};
use serde::{Serialize, Serializer};

use super::{SHORT_TEXT_BYTES_MAX, cut};

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum UserIdentity {
    /// A session of a role.
    AssumedRole {
        /// `<role id>:<session name>`.
        principal_id: String,
        /// The session's ARN.
        arn: String,
        /// The role's account.
        account_id: AccountId,
        /// The id of the session's access key.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_key_id: Option<String>,
        /// The role, and when and how the session began.
        session_context: SessionContext,
        /// The service that called on behalf of the session.
        #[serde(skip_serializing_if = "Option::is_none")]
        invoked_by: Option<Cow<'static, str>>,
    },
    /// Another account, as a cross-account call shows in the owner's trail.
    #[serde(rename = "AWSAccount")]
    AwsAccount {
        /// The caller's stable id.
        principal_id: String,
        /// The caller's account.
        account_id: AccountId,
    },
    /// A service that called by itself.
    #[serde(rename = "AWSService")]
    AwsService {
        /// The service, such as `logs.us-east-1.amazonaws.com`.
        invoked_by: Cow<'static, str>,
    },
    /// A session made by GetFederationToken.
    FederatedUser {
        /// `<account>:<session name>`.
        principal_id: String,
        /// The session's ARN.
        arn: String,
        /// The account.
        account_id: AccountId,
        /// The id of the session's access key.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_key_id: Option<String>,
        /// The user who made the session, and when.
        session_context: SessionContext,
        /// The service that called on behalf of the session.
        #[serde(skip_serializing_if = "Option::is_none")]
        invoked_by: Option<Cow<'static, str>>,
    },
    /// A user.
    #[serde(rename = "IAMUser")]
    IamUser {
        /// The user's stable id.
        principal_id: String,
        /// The user's ARN.
        arn: String,
        /// The account.
        account_id: AccountId,
        /// The id of the access key.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_key_id: Option<String>,
        /// The user's name.
        user_name: String,
        /// When and how a session made by GetSessionToken began; none with long-term credentials.
        #[serde(skip_serializing_if = "Option::is_none")]
        session_context: Option<SessionContext>,
        /// The service that called on behalf of the user.
        #[serde(skip_serializing_if = "Option::is_none")]
        invoked_by: Option<Cow<'static, str>>,
    },
    /// Whoever runs the server; CloudTrail has no such type.
    Operator {
        /// `uid:` and the number of the operating system's user.
        principal_id: String,
    },
    /// The account's root.
    Root {
        /// The account, again.
        principal_id: String,
        /// The root's ARN.
        arn: String,
        /// The account.
        account_id: AccountId,
        /// The id of the access key.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_key_id: Option<String>,
        /// When and how a session began; none with long-term credentials.
        #[serde(skip_serializing_if = "Option::is_none")]
        session_context: Option<SessionContext>,
        /// The service that called on behalf of the root.
        #[serde(skip_serializing_if = "Option::is_none")]
        invoked_by: Option<Cow<'static, str>>,
    },
    /// A caller whom nothing proves: a request refused before its signature verified.
    Unknown {
        /// The access key id that the request claimed, if any.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "short_if_any")]
        access_key_id: Option<String>,
    },
    /// The bearer of an OIDC token.
    WebIdentityUser {
        /// `<provider>:<audience>:<subject>`.
        principal_id: String,
        /// The subject.
        user_name: String,
        /// The provider's ARN.
        identity_provider: String,
    },
    /// The service itself, in service events; it has no `type`.
    #[serde(untagged)]
    Internal {
        /// The account that the event concerns.
        account_id: AccountId,
        /// Always [`AWS_INTERNAL`].
        invoked_by: Cow<'static, str>,
    },
}

impl UserIdentity {
    /// The identity of a verified caller, with the id of its access key and what is known of its session.
    ///
    /// A role session without known attributes is written with neither creation date nor MFA.
    #[must_use]
    pub fn of(caller: &Caller, access_key_id: Option<String>, attributes: Option<SessionAttributes>) -> Self {
        let account_id = caller.account;
        let principal_id = caller.user_id().unwrap_or_default();
        let arn = caller.arn();
        let context = |issuer| SessionContext { session_issuer: issuer, web_id_federation_data: None, attributes };
        let plain = attributes.is_some().then(|| context(None));
        let invoked_by = None;
        match &caller.kind {
            CallerKind::AssumedRole { path, role, id, .. } => Self::AssumedRole {
                principal_id,
                arn,
                account_id,
                access_key_id,
                session_context: context(Some(SessionIssuer {
                    kind: "Role".into(),
                    principal_id: id.to_string(),
                    arn: format!("arn:{PARTITION}:iam::{account_id}:role{path}{role}"),
                    account_id,
                    user_name: role.clone(),
                })),
                invoked_by,
            },
            CallerKind::FederatedUser { user_arn, user_id, .. } => Self::FederatedUser {
                principal_id,
                arn,
                account_id,
                access_key_id,
                session_context: context(Some(SessionIssuer {
                    kind: "IAMUser".into(),
                    principal_id: user_id.to_string(),
                    arn: user_arn.clone(),
                    account_id,
                    user_name: user_arn.rsplit('/').next().unwrap_or_default().into(),
                })),
                invoked_by,
            },
            CallerKind::Root => {
                Self::Root { principal_id, arn, account_id, access_key_id, session_context: plain, invoked_by }
            }
            CallerKind::Service { name } => Self::AwsService { invoked_by: name.clone().into() },
            CallerKind::User { name, .. } => Self::IamUser {
                principal_id,
                arn,
                account_id,
                access_key_id,
                user_name: name.clone(),
                session_context: plain,
                invoked_by,
            },
            CallerKind::WebIdentity { provider_arn, audience, subject } => Self::WebIdentityUser {
                principal_id: format!("{provider_arn}:{audience}:{subject}"),
                user_name: subject.clone(),
                identity_provider: provider_arn.clone(),
            },
        }
    }

    /// The same identity in a call that a service makes for it; identities that name their service already, or prove
    /// nobody, stay as they are.
    #[must_use]
    pub fn invoked_through(mut self, service: String) -> Self {
        if let Self::AssumedRole { invoked_by, .. }
        | Self::FederatedUser { invoked_by, .. }
        | Self::IamUser { invoked_by, .. }
        | Self::Root { invoked_by, .. } = &mut self
        {
            *invoked_by = Some(service.into());
        }
        self
    }

    /// The identity of whoever runs the server, by the number of the operating system's user.
    #[must_use]
    pub fn operator(uid: u32) -> Self {
        Self::Operator { principal_id: format!("uid:{uid}") }
    }

    /// The identity of a service event.
    #[must_use]
    pub fn internal(account_id: AccountId) -> Self {
        Self::Internal { account_id, invoked_by: AWS_INTERNAL.into() }
    }
}

/// How a session came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// The role or user behind the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<SessionIssuer>,
    /// The OIDC token that the session was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_id_federation_data: Option<WebIdFederationData>,
    /// When and how the session began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<SessionAttributes>,
}

/// The role or user behind a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionIssuer {
    /// `Role` or `IAMUser`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Its stable id.
    pub principal_id: String,
    /// Its ARN, with its path.
    pub arn: String,
    /// Its account.
    pub account_id: AccountId,
    /// Its name.
    pub user_name: String,
}

/// The OIDC token that a session was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebIdFederationData {
    /// The provider's ARN.
    pub federated_provider: String,
    /// Chosen claims, such as the application's id and the user's.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// When and how a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAttributes {
    /// When the credentials were issued; written to the second.
    #[serde(serialize_with = "iso8601")]
    pub creation_date: Timestamp,
    /// Whether they were issued on a second factor; written as `"true"` or `"false"`.
    #[serde(serialize_with = "bool_text")]
    pub mfa_authenticated: bool,
}

/// `invokedBy`, `sourceIPAddress` and `userAgent` of service events.
pub const AWS_INTERNAL: &str = "AWS Internal";

fn iso8601<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant.iso8601())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn bool_text<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *value { "true" } else { "false" })
}

fn short_if_any<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().map(|text| cut(text, SHORT_TEXT_BYTES_MAX)).serialize(serializer)
}
