//! Whom a Principal element names, in the judge's words.
//!
//! Not here: whether a principal exists.
//! Rule: "IAM JSON policy elements: Principal" and "NotPrincipal" of the IAM user guide.

use std::collections::BTreeMap;

use serde_json::Value;

use super::texts;

/// Unique ids by the names that stood for them when a document was stored.
type StoredIds = BTreeMap<String, String>;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What it is.
    pub kind: CallerType,
    /// Its own ARN: for a role session the session's; a service's name; a provider's ARN.
    pub arn: String,
    /// Its account; none for callers of no account.
    pub account: Option<String>,
    /// The role of a session, or the user of a federated session.
    pub behind: Option<String>,
    /// The unique id of the user, or of what stands behind the session.
    pub id: Option<String>,
}

/// The kinds of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerType {
    /// Without a signature.
    Anonymous,
    /// A session made by GetFederationToken.
    Federated,
    /// A session of a role.
    Role,
    /// The root of an account.
    Root,
    /// A service.
    Service,
    /// A user.
    User,
    /// The bearer of a token of an identity provider.
    WebIdentity,
}

/// The ways in which statements name a caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) any: bool,
    pub(super) direct: bool,
    pub(super) service: bool,
    pub(super) limited: bool,
    pub(super) account: bool,
}

impl Named {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            any: self.any || other.any,
            direct: self.direct || other.direct,
            service: self.service || other.service,
            limited: self.limited || other.limited,
            account: self.account || other.account,
        }
    }
}

/// How an element names a caller.
pub(super) fn names(element: &Value, caller: &Caller, ids: Option<&StoredIds>) -> Named {
    match element {
        Value::String(text) => Named { any: text == "*", ..Named::default() },
        Value::Object(types) => types
            .iter()
            .flat_map(|(kind, values)| texts(values).into_iter().map(move |value| (kind.as_str(), value)))
            .fold(Named::default(), |all, (kind, value)| all.and(names_one(kind, &value, caller, ids))),
        _ => Named::default(),
    }
}

fn names_one(kind: &str, value: &str, caller: &Caller, ids: Option<&StoredIds>) -> Named {
    let mut named = Named::default();
    let itself = caller.arn == value;
    match kind {
        "AWS" if value == "*" => named.any = true,
        "AWS" if is_account(value) => {
            let account = value.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
            named.account = caller.account.as_deref() == Some(account.unwrap_or(value));
        }
        // A user or role is who bore the name when the policy was stored: whoever bears it now is another one.
        "AWS" if ids.is_some_and(|ids| !is_the_one(value, caller, ids)) => {}
        "AWS" => {
            let own = matches!(caller.kind, CallerType::User | CallerType::Role | CallerType::Federated);
            named.direct = own && itself;
            named.limited = caller.behind.as_deref() == Some(value);
        }
        "Service" => named.service = caller.kind == CallerType::Service && itself,
        "Federated" => named.direct = caller.kind == CallerType::WebIdentity && itself,
        _ => {}
    }
    named
}

/// Whether the id that was stored for a name is the caller's. The name of a session is free: without an id of its role,
/// the name decides.
fn is_the_one(value: &str, caller: &Caller, ids: &StoredIds) -> bool {
    match ids.get(value) {
        Some(id) => caller.id.as_ref() == Some(id),
        None => value.starts_with("arn:aws:sts:"),
    }
}

fn is_account(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit()) || value.ends_with(":root")
}

/// Whether a NotPrincipal list spares a caller: it must name its account, its role if it has one, and itself.
pub(super) fn exempts(element: &Value, caller: &Caller, ids: Option<&StoredIds>) -> bool {
    let named = names(element, caller, ids);
    let by_all_names = match caller.kind {
        CallerType::Anonymous => false,
        CallerType::Root => named.account,
        CallerType::Role => named.account && named.limited && named.direct,
        CallerType::User | CallerType::Federated => named.account && named.direct,
        CallerType::Service => named.service,
        CallerType::WebIdentity => named.direct,
    };
    named.any || by_all_names
}
