//! Who calls: the principal behind verified credentials.
//!
//! Rule: "IAM JSON policy elements: Principal" and "Principal key values" of the IAM user guide.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{AccountId, PARTITION};

/// The stable id of a user or role, such as `AIDA…` or `AROA…`: it outlives renaming and is never used again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct UniqueId(Arc<str>);

impl UniqueId {
    /// Wraps an id.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for UniqueId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<UniqueId> for String {
    fn from(id: UniqueId) -> Self {
        id.0.as_ref().into()
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A principal that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account of the principal.
    pub account: AccountId,
    /// What it is.
    pub kind: CallerKind,
}

/// The kinds of principals. Names are given with the path in `path` (`/` or `/…/`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKind {
    /// A session made by AssumeRole.
    AssumedRole {
        /// The role's path.
        path: String,
        /// The role's name.
        role: String,
        /// The role's id.
        id: UniqueId,
        /// The session's name.
        session: String,
    },
    /// A session made by GetFederationToken.
    FederatedUser {
        /// The session's name.
        name: String,
        /// The ARN of the user who made the session.
        user_arn: String,
        /// The id of the user who made the session.
        user_id: UniqueId,
    },
    /// The account's root.
    Root,
    /// A service.
    Service {
        /// Its name, such as `logs.us-east-1.amazonaws.com`.
        name: String,
    },
    /// A user, with long-term keys or a GetSessionToken session.
    User {
        /// The user's path.
        path: String,
        /// The user's name.
        name: String,
        /// The user's id.
        id: UniqueId,
    },
    /// The bearer of an OIDC token, in AssumeRoleWithWebIdentity only.
    WebIdentity {
        /// The ARN of the provider.
        provider_arn: String,
        /// For which client the token was made.
        audience: String,
        /// Whom the token is about.
        subject: String,
    },
}

impl Caller {
    /// The ARN that names the caller itself: for a role session the session's, as GetCallerIdentity answers it.
    #[must_use]
    pub fn arn(&self) -> String {
        let account = self.account;
        match &self.kind {
            CallerKind::AssumedRole { role, session, .. } => {
                format!("arn:{PARTITION}:sts::{account}:assumed-role/{role}/{session}")
            }
            CallerKind::FederatedUser { name, .. } => format!("arn:{PARTITION}:sts::{account}:federated-user/{name}"),
            CallerKind::Root => format!("arn:{PARTITION}:iam::{account}:root"),
            CallerKind::Service { name } => name.clone(),
            CallerKind::User { path, name, .. } => format!("arn:{PARTITION}:iam::{account}:user{path}{name}"),
            CallerKind::WebIdentity { provider_arn, .. } => provider_arn.clone(),
        }
    }

    /// The value of `aws:PrincipalArn`: for a role session the role's ARN with its path, else [`Caller::arn`].
    #[must_use]
    pub fn principal_arn(&self) -> String {
        match &self.kind {
            CallerKind::AssumedRole { path, role, .. } => {
                format!("arn:{PARTITION}:iam::{}:role{path}{role}", self.account)
            }
            _ => self.arn(),
        }
    }

    /// The value of `aws:userid`; none for services and web identities.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        match &self.kind {
            CallerKind::AssumedRole { id, session, .. } => Some(format!("{id}:{session}")),
            CallerKind::FederatedUser { name, .. } => Some(format!("{}:{name}", self.account)),
            CallerKind::Root => Some(self.account.to_string()),
            CallerKind::User { id, .. } => Some(id.to_string()),
            CallerKind::Service { .. } | CallerKind::WebIdentity { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_arn_drops_the_path_and_principal_arn_keeps_it() {
        let caller = Caller {
            account: "111122223333".parse().unwrap(),
            kind: CallerKind::AssumedRole {
                path: "/svc/".into(),
                role: "app".into(),
                id: UniqueId::new("AROAEXAMPLE"),
                session: "s1".into(),
            },
        };
        assert_eq!(caller.arn(), "arn:aws:sts::111122223333:assumed-role/app/s1");
        assert_eq!(caller.principal_arn(), "arn:aws:iam::111122223333:role/svc/app");
        assert_eq!(caller.user_id().unwrap(), "AROAEXAMPLE:s1");
    }
}
