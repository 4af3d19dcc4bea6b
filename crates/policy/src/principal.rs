//! The calling principal, with everything that a Principal element is compared with, and the kinds of matches.
//!
//! Not here: credentials; they are verified before a [`Principal`] is made.
//! Invariant: all texts are computed once, when the value is made.

pub(crate) mod element;

use std::ops::{BitOr, BitOrAssign};

use kanuki_types::{AccountId, Caller, CallerKind, UniqueId};

/// A principal that calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) arn: String,
    /// The role of a session, with its path; the user of a federated session.
    pub(crate) behind: Option<String>,
    pub(crate) id: Option<UniqueId>,
    account: Option<AccountId>,
}

/// What calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    Anonymous,
    FederatedUser,
    RoleSession,
    Root,
    Service,
    User,
    WebIdentity,
}

impl Principal {
    /// The principal of verified credentials.
    #[must_use]
    pub fn from_caller(caller: &Caller) -> Self {
        let (kind, id, behind) = match &caller.kind {
            CallerKind::AssumedRole { id, .. } => {
                (PrincipalKind::RoleSession, Some(id.clone()), Some(caller.principal_arn()))
            }
            CallerKind::FederatedUser { user_arn, user_id, .. } => {
                (PrincipalKind::FederatedUser, Some(user_id.clone()), Some(user_arn.clone()))
            }
            CallerKind::Root => (PrincipalKind::Root, None, None),
            CallerKind::Service { .. } => (PrincipalKind::Service, None, None),
            CallerKind::User { id, .. } => (PrincipalKind::User, Some(id.clone()), None),
            CallerKind::WebIdentity { .. } => (PrincipalKind::WebIdentity, None, None),
        };
        let of_account = !matches!(kind, PrincipalKind::Service | PrincipalKind::WebIdentity);
        Self { kind, arn: caller.arn(), behind, id, account: of_account.then_some(caller.account) }
    }

    /// The principal of a request without a signature.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { kind: PrincipalKind::Anonymous, arn: "anonymous".into(), behind: None, id: None, account: None }
    }

    /// The ARN that names it in messages: for a role session the session's; for a service its name; `anonymous`.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its account: none for anonymous callers, services and web identities, which no account statement covers.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }
}

/// In which ways a Principal element names a principal.
///
/// Source: "IAM JSON policy elements: Principal" of the IAM user guide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchKinds(u8);

impl MatchKinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// `*`: everyone.
    pub const ANY: Self = Self(1);
    /// The principal itself: its own user, session, federated-user or provider ARN.
    pub const DIRECT: Self = Self(2);
    /// The service by its name.
    pub const SERVICE: Self = Self(4);
    /// The role of a session or the user of a federated session: boundary and session policy limit what it gives.
    pub const LIMITED: Self = Self(8);
    /// The account: it gives what the principal's own policies give.
    pub const ACCOUNT: Self = Self(16);

    /// Whether all of `kinds` are among these.
    #[must_use]
    pub const fn contains(self, kinds: Self) -> bool {
        self.0 & kinds.0 == kinds.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names, from strongest to weakest.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = [
            (Self::ANY, "any"),
            (Self::DIRECT, "direct"),
            (Self::SERVICE, "service"),
            (Self::LIMITED, "limited"),
            (Self::ACCOUNT, "account"),
        ];
        named.into_iter().filter(move |(kind, _)| self.contains(*kind)).map(|(_, name)| name)
    }
}

impl BitOr for MatchKinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for MatchKinds {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
