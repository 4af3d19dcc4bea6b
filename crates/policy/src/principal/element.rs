//! The Principal and NotPrincipal elements, compiled.
//!
//! Not here: whether a principal exists; the directory knows.
//! Invariants: no wildcard but the lone `*`; once bound, an ARN names the user or role that had it then, never a later
//! one of the same name.
//! Source: "IAM JSON policy elements: Principal" and "NotPrincipal" of the IAM user guide.

use std::collections::BTreeMap;

use kanuki_types::{AccountId, Arn, PARTITION, UniqueId};

use super::{MatchKinds, Principal, PrincipalKind};
use crate::syntax::{Listed, RawPrincipal};

/// The element of a statement.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalElement {
    pub(crate) not: bool,
    pub(crate) patterns: Box<[PrincipalPattern]>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrincipalPattern {
    Account(AccountId),
    Everyone,
    Federated(Box<str>),
    Named(Named),
    /// A text that can name nobody; validation refuses it.
    Nobody,
    Service(Box<str>),
}

/// A user, role or session, by ARN or unique id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) text: Box<str>,
    form: Form,
    bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// An assumed-role or federated-user session.
    Session,
    /// A role.
    Role,
    /// `AIDA…` or `AROA…`: what is shown for a principal that no longer exists.
    UniqueId,
    /// A user.
    User,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    /// To nobody: there was no such principal when the document was stored.
    Nobody,
    /// To a user or role.
    To(UniqueId),
    /// Not at all: the text decides.
    Unbound,
}

impl PrincipalElement {
    pub(crate) fn new(raw: &Listed<RawPrincipal>) -> Self {
        let patterns = match &raw.list {
            RawPrincipal::Text(text) if text == "*" => vec![PrincipalPattern::Everyone],
            RawPrincipal::Text(_) => vec![PrincipalPattern::Nobody],
            RawPrincipal::Typed(types) => types
                .iter()
                .flat_map(|(kind, values)| values.iter().map(|value| PrincipalPattern::new(kind, value)))
                .collect(),
        };
        Self { not: raw.not, patterns: patterns.into() }
    }

    /// In which ways the element names a principal. NotPrincipal, which only a Deny may use, names as everyone all who
    /// are not exempt; a principal with a permissions boundary never is.
    pub(crate) fn matches(&self, principal: &Principal, has_boundary: bool) -> MatchKinds {
        let kinds = self.patterns.iter().fold(MatchKinds::NONE, |kinds, pattern| kinds | pattern.matches(principal));
        match self.not {
            false => kinds,
            true if !has_boundary && exempts(kinds, principal) => MatchKinds::NONE,
            true => MatchKinds::ANY,
        }
    }

    pub(crate) fn bind(&mut self, ids: &BTreeMap<String, UniqueId>) {
        for pattern in &mut self.patterns {
            if let PrincipalPattern::Named(named) = pattern {
                named.bind(ids);
            }
        }
    }
}

/// A list exempts who is named in every way it can be: its account, its role if it is a session, and itself.
fn exempts(kinds: MatchKinds, principal: &Principal) -> bool {
    let all = match principal.kind {
        PrincipalKind::Anonymous => MatchKinds::ANY,
        PrincipalKind::FederatedUser | PrincipalKind::User => MatchKinds::ACCOUNT | MatchKinds::DIRECT,
        PrincipalKind::RoleSession => MatchKinds::ACCOUNT | MatchKinds::DIRECT | MatchKinds::LIMITED,
        PrincipalKind::Root => MatchKinds::ACCOUNT,
        PrincipalKind::Service => MatchKinds::SERVICE,
        PrincipalKind::WebIdentity => MatchKinds::DIRECT,
    };
    kinds.contains(MatchKinds::ANY) || kinds.contains(all)
}

impl PrincipalPattern {
    /// Reads a value of a type. What names nobody is [`PrincipalPattern::Nobody`].
    pub(crate) fn new(kind: &str, value: &str) -> Self {
        match kind {
            "AWS" if value == "*" => Self::Everyone,
            "AWS" => aws(value).unwrap_or(Self::Nobody),
            "Federated" if is_provider(value) => Self::Federated(value.into()),
            "Service" if is_service_name(value) => Self::Service(value.into()),
            _ => Self::Nobody,
        }
    }

    fn matches(&self, principal: &Principal) -> MatchKinds {
        let kinds = |matched: bool, kinds| if matched { kinds } else { MatchKinds::NONE };
        match self {
            Self::Account(account) => kinds(principal.account == Some(*account), MatchKinds::ACCOUNT),
            Self::Everyone => MatchKinds::ANY,
            Self::Federated(provider) => {
                kinds(principal.kind == PrincipalKind::WebIdentity && principal.arn == **provider, MatchKinds::DIRECT)
            }
            Self::Named(named) => named.matches(principal),
            Self::Nobody => MatchKinds::NONE,
            Self::Service(name) => {
                kinds(principal.kind == PrincipalKind::Service && principal.arn == **name, MatchKinds::SERVICE)
            }
        }
    }
}

impl Named {
    fn unbound(text: &str, form: Form) -> PrincipalPattern {
        PrincipalPattern::Named(Self { text: text.into(), form, bound: Bound::Unbound })
    }

    fn matches(&self, principal: &Principal) -> MatchKinds {
        let by_id = match &self.bound {
            Bound::Nobody => return MatchKinds::NONE,
            Bound::To(id) if principal.id.as_ref() != Some(id) => return MatchKinds::NONE,
            Bound::To(_) => true,
            Bound::Unbound => false,
        };
        let itself = principal.arn == *self.text;
        let behind = principal.behind.as_deref() == Some(&*self.text);
        match (self.form, principal.kind) {
            // The id goes on when a user is renamed or moved; the text is of no more account then.
            (Form::Role, PrincipalKind::RoleSession) if by_id || behind => MatchKinds::LIMITED,
            (Form::User, PrincipalKind::FederatedUser) if by_id || behind => MatchKinds::LIMITED,
            (Form::User, PrincipalKind::User) if by_id || itself => MatchKinds::DIRECT,
            (Form::Session, PrincipalKind::FederatedUser | PrincipalKind::RoleSession) if itself => MatchKinds::DIRECT,
            (Form::UniqueId, PrincipalKind::User) if by_id => MatchKinds::DIRECT,
            (Form::UniqueId, PrincipalKind::FederatedUser | PrincipalKind::RoleSession) if by_id => MatchKinds::LIMITED,
            _ => MatchKinds::NONE,
        }
    }

    fn bind(&mut self, ids: &BTreeMap<String, UniqueId>) {
        self.bound = match (ids.get(&*self.text), self.form) {
            (Some(id), _) => Bound::To(id.clone()),
            // The name of a session is free text: sessions have no id of their own.
            (None, Form::Session) => Bound::Unbound,
            (None, Form::Role | Form::UniqueId | Form::User) => Bound::Nobody,
        };
    }
}

/// Reads a value of the type `AWS`.
fn aws(value: &str) -> Option<PrincipalPattern> {
    if let Ok(account) = value.parse() {
        return Some(PrincipalPattern::Account(account));
    }
    if is_unique_id(value) {
        return Some(Named::unbound(value, Form::UniqueId));
    }
    let arn: Arn = value.parse().ok()?;
    let account = arn.account.parse().ok()?;
    if arn.partition != PARTITION || !arn.region.is_empty() || value.contains(['*', '?']) {
        return None;
    }
    let (kind, name) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
    match (arn.service.as_str(), kind) {
        ("iam", "root") if arn.resource == "root" => Some(PrincipalPattern::Account(account)),
        ("iam", "user") if is_path_and_name(name) => Some(Named::unbound(value, Form::User)),
        ("iam", "role") if is_path_and_name(name) => Some(Named::unbound(value, Form::Role)),
        ("sts", "assumed-role") if is_two_names(name) => Some(Named::unbound(value, Form::Session)),
        ("sts", "federated-user") if is_name(name) => Some(Named::unbound(value, Form::Session)),
        _ => None,
    }
}

fn is_unique_id(text: &str) -> bool {
    (UNIQUE_ID_LEN_MIN..=UNIQUE_ID_LEN_MAX).contains(&text.len())
        && (text.starts_with("AIDA") || text.starts_with("AROA"))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_path_and_name(text: &str) -> bool {
    !text.ends_with('/') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_two_names(text: &str) -> bool {
    text.split_once('/').is_some_and(|(role, session)| is_name(role) && is_name(session))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

fn is_service_name(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// An OIDC or SAML provider's ARN, or one of the names of providers that need none.
fn is_provider(text: &str) -> bool {
    if FEDERATED_BY_NAME.contains(&text) {
        return true;
    }
    let Ok(arn) = text.parse::<Arn>() else { return false };
    let known = ["oidc-provider/", "saml-provider/"];
    let name = known.iter().find_map(|kind| arn.resource.strip_prefix(kind)).unwrap_or_default();
    arn.partition == PARTITION
        && arn.service == "iam"
        && arn.region.is_empty()
        && arn.account.parse::<AccountId>().is_ok()
        && is_path_and_name(name)
        && !name.contains(['*', '?'])
}

/// Bounds of the length of a unique id ("IAM identifiers" of the IAM user guide).
const UNIQUE_ID_LEN_MIN: usize = 16;
const UNIQUE_ID_LEN_MAX: usize = 128;

/// Identity providers that a trust policy names without an ARN.
const FEDERATED_BY_NAME: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

#[cfg(test)]
mod tests;
