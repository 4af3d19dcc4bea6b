//! The judge: a second evaluator of IAM policies, plain and slow, that decides the same requests as crate `policy`.
//!
//! It is written from the reference alone and reads documents as JSON, so that a mistake of the engine's parser,
//! compiler or decision shows as a difference. Not here: refusing documents; a judged case holds valid ones only.
//! Invariants: no code is shared with the engine; every statement of every document is looked at.
//! Rule: "Policy evaluation logic" of the IAM user guide, "Key policies" and "Grants" of the AWS KMS developer guide.

mod condition;
mod principal;
mod text;

use std::collections::BTreeMap;

use serde_json::Value;

use principal::Named;
pub use principal::{Caller, CallerType};
use text::{Found, Wildcards};

/// Everything that one decision depends on.
#[derive(Debug, Clone)]
pub struct Case {
    /// The action, such as `kms:Decrypt`.
    pub action: String,
    /// The ARN of the resource, or `*`.
    pub resource: String,
    /// What the resource is.
    pub kind: Kind,
    /// Whose the resource is.
    pub resource_account: String,
    /// Who calls.
    pub caller: Caller,
    /// The condition keys.
    pub context: Context,
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
    /// Policies of the user with its groups, or of the role.
    pub identity: Vec<Value>,
    /// The permissions boundary.
    pub boundary: Option<Value>,
    /// Session policies.
    pub session: Option<Vec<Value>>,
    /// Key policy, trust policy, or another resource's policy.
    pub resource_policy: Option<Value>,
    /// The unique ids that the names in that policy stood for when it was stored; none for a policy that is compared by
    /// its text alone.
    pub stored_ids: Option<BTreeMap<String, String>>,
    /// Levels of service control policies.
    pub service_control: Vec<Vec<Value>>,
    /// Levels of resource control policies.
    pub resource_control: Vec<Vec<Value>>,
    /// Grants of the key.
    pub grants: Vec<Grant>,
}

/// The values of condition keys.
pub type Context = BTreeMap<String, Values>;

/// The value of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Of a key with any number of values.
    Many(Vec<String>),
    /// Of a key with one value.
    One(String),
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An entity of IAM, without a policy of its own.
    Iam,
    /// A KMS key.
    Key,
    /// None.
    None,
    /// Of another service: its policy or the identity policies suffice.
    Other,
    /// A role that is to be assumed.
    Role,
}

/// A grant in force.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The ARN of the grantee.
    pub grantee: String,
    /// The unique id that it had, or its role, when the grant was made.
    pub grantee_id: Option<String>,
    /// The operations, such as `Decrypt`.
    pub operations: Vec<String>,
    /// The whole encryption context, if it is prescribed.
    pub equals: Option<BTreeMap<String, String>>,
    /// Pairs that the encryption context must hold.
    pub subset: Option<BTreeMap<String, String>>,
}

/// The verdict and the kind of policy that it comes from, in the words of the vector file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// `Allow`, `ExplicitDeny` or `ImplicitDeny`.
    pub decision: &'static str,
    /// The deciding policy; for an implicit deny, the first that is missing.
    pub by: &'static str,
}

/// Decides a case.
#[must_use]
pub fn judge(case: &Case) -> Verdict {
    if ALWAYS_ALLOWED.iter().any(|action| action.eq_ignore_ascii_case(&case.action)) {
        return allow("always");
    }
    if let Some(by) = first_explicit_deny(case) {
        return Verdict { decision: "ExplicitDeny", by };
    }
    for (by, levels) in [("rcp", &case.resource_control), ("scp", scps(case))] {
        let place = if by == "rcp" { Place::ResourceControl } else { Place::Principal };
        if levels.iter().any(|level| !level.iter().any(|document| some_statement(case, document, place, "Allow"))) {
            return implicit(by);
        }
    }
    // "Service principals use key policy or grants."
    let may_hold = !matches!(case.caller.kind, CallerType::Anonymous | CallerType::WebIdentity);
    if case.kind == Kind::Key && may_hold && grant_allows(case) {
        return allow("grant");
    }
    let named = named_by_resource_policy(case);
    match case.caller.kind {
        // KMS and IAM take no unsigned calls, and STS none that AssumeRole is.
        CallerType::Anonymous => {
            let taken = case.kind == Kind::Other;
            return if taken && named.any { allow("resource") } else { implicit("resource") };
        }
        CallerType::Service => {
            return if named.any || named.service { allow("resource") } else { implicit("resource") };
        }
        CallerType::WebIdentity => {
            return if named.any || named.direct { allow("resource") } else { implicit("resource") };
        }
        CallerType::Federated | CallerType::Role | CallerType::Root | CallerType::User => {}
    }
    if case.caller.account.as_deref() == Some(&*case.resource_account) {
        in_own_account(case, named)
    } else {
        across_accounts(case, named)
    }
}

fn in_own_account(case: &Case, named: Named) -> Verdict {
    if named.any || named.direct {
        return allow("resource");
    }
    if named.limited {
        return ceiling(case).map_or(allow("resource"), implicit);
    }
    if matches!(case.kind, Kind::Key | Kind::Role) && !named.account {
        return implicit("resource");
    }
    if case.caller.kind == CallerType::Root {
        return allow("root");
    }
    if !identity_allows(case) {
        return implicit("default");
    }
    ceiling(case).map_or(allow("identity"), implicit)
}

fn across_accounts(case: &Case, named: Named) -> Verdict {
    let reached = named.any || named.direct || named.limited || named.account;
    if !reached || (case.kind == Kind::Key && !works_across_accounts(&case.action)) {
        return implicit("resource");
    }
    if case.caller.kind != CallerType::Root && !identity_allows(case) {
        return implicit("identity");
    }
    ceiling(case).map_or(allow("resource+identity"), implicit)
}

/// The first of boundary and session policies that is there and does not allow.
fn ceiling(case: &Case) -> Option<&'static str> {
    let allows = |document: &Value| some_statement(case, document, Place::Principal, "Allow");
    if case.boundary.as_ref().is_some_and(|boundary| !allows(boundary)) {
        return Some("boundary");
    }
    match &case.session {
        Some(session) => (!session.iter().any(allows)).then_some("session"),
        // Without a session policy a federated user has only what names its session or everyone ("GetFederationToken"
        // of the STS API: "the resulting federated user session has no permissions").
        None => (case.caller.kind == CallerType::Federated).then_some("session"),
    }
}

fn identity_allows(case: &Case) -> bool {
    case.identity.iter().any(|document| some_statement(case, document, Place::Principal, "Allow"))
}

fn first_explicit_deny(case: &Case) -> Option<&'static str> {
    let denies = |place, documents: &[Value]| documents.iter().any(|it| some_statement(case, it, place, "Deny"));
    let of_levels = |place, levels: &[Vec<Value>]| levels.iter().any(|level| denies(place, level));
    let own =
        |document: &Option<Value>, place| document.as_ref().is_some_and(|it| some_statement(case, it, place, "Deny"));
    if of_levels(Place::Principal, scps(case)) {
        return Some("scp");
    }
    if of_levels(Place::ResourceControl, &case.resource_control) {
        return Some("rcp");
    }
    if own(&case.resource_policy, Place::Resource) {
        return Some("resource");
    }
    if denies(Place::Principal, &case.identity) {
        return Some("identity");
    }
    if own(&case.boundary, Place::Principal) {
        return Some("boundary");
    }
    denies(Place::Principal, case.session.as_deref().unwrap_or_default()).then_some("session")
}

/// Service control policies bind the principals of accounts, not services.
fn scps(case: &Case) -> &Vec<Vec<Value>> {
    const NONE: &Vec<Vec<Value>> = &Vec::new();
    if case.caller.account.is_some() { &case.service_control } else { NONE }
}

fn grant_allows(case: &Case) -> bool {
    let Some(operation) = case.action.split_once(':').map(|(_, operation)| operation) else { return false };
    case.grants.iter().any(|grant| {
        let is_still_theirs = grant.grantee_id.is_none() || grant.grantee_id == case.caller.id;
        let by_arn = grant.grantee == case.caller.arn;
        let by_role = case.caller.kind == CallerType::Role && case.caller.behind.as_ref() == Some(&grant.grantee);
        let given = grant.operations.iter().any(|own| own.eq_ignore_ascii_case(operation));
        // A grant to a role is, like a statement that names it, for a session no more than its ceilings.
        given
            && is_still_theirs
            && constraints_hold(case, grant, operation)
            && (by_arn || (by_role && ceiling(case).is_none()))
    })
}

fn constraints_hold(case: &Case, grant: &Grant, operation: &str) -> bool {
    // These two have no encryption context.
    if ["DescribeKey", "RetireGrant"].iter().any(|name| name.eq_ignore_ascii_case(operation)) {
        return true;
    }
    let context = &case.encryption_context;
    let whole = grant.equals.as_ref().is_none_or(|pairs| pairs.is_empty() || pairs == context);
    let part = grant.subset.iter().flatten().all(|(key, value)| context.get(key) == Some(value));
    whole && part
}

fn works_across_accounts(action: &str) -> bool {
    let name = action.split_once(':').map_or("", |(_, name)| name);
    ACROSS_ACCOUNTS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Where a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Identity, boundary, session and service control policies: no Principal element.
    Principal,
    /// A policy of a resource.
    Resource,
    /// A resource control policy: Principal is `*`, or left out.
    ResourceControl,
}

fn some_statement(case: &Case, document: &Value, place: Place, effect: &str) -> bool {
    statements(document).iter().any(|statement| {
        statement["Effect"] == effect && covers(case, document, statement) && who(case, statement, place).is_some()
    })
}

/// How the resource's policy allows, over all its statements.
fn named_by_resource_policy(case: &Case) -> Named {
    let mut all = Named::default();
    if let Some(document) = &case.resource_policy {
        for statement in statements(document) {
            if statement["Effect"] == "Allow" && covers(case, document, statement) {
                all = all.and(who(case, statement, Place::Resource).unwrap_or_default());
            }
        }
    }
    all
}

/// In which ways a statement names the caller; none if it does not.
fn who(case: &Case, statement: &Value, place: Place) -> Option<Named> {
    let ids = case.stored_ids.as_ref();
    let everyone = Named { any: true, ..Named::default() };
    if let Some(element) = statement.get("NotPrincipal") {
        let exempt = case.boundary.is_none() && principal::exempts(element, &case.caller, ids);
        return (!exempt).then_some(everyone);
    }
    match statement.get("Principal") {
        Some(element) => Some(principal::names(element, &case.caller, ids)).filter(|named| *named != Named::default()),
        None => (place != Place::Resource).then_some(everyone),
    }
}

/// Whether action, resource and conditions match.
fn covers(case: &Case, document: &Value, statement: &Value) -> bool {
    let variables = document["Version"] == "2012-10-17";
    let completed = case_completes(case, document);
    action_matches(case, statement)
        && resource_matches(case, statement, variables, completed)
        && condition::holds(statement.get("Condition"), &case.context, variables)
}

/// Short ARNs are filled up wherever a principal, not a resource, holds the document.
fn case_completes(case: &Case, document: &Value) -> bool {
    let is = |own: &Option<Value>| own.as_ref().is_some_and(|own| std::ptr::eq(own, document));
    let in_session = case.session.iter().flatten().any(|own| std::ptr::eq(own, document));
    !is(&case.resource_policy) && !in_session
}

fn action_matches(case: &Case, statement: &Value) -> bool {
    let covered = |element: &Value| texts(element).iter().any(|pattern| one_action(pattern, &case.action));
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(element), _) => covered(element),
        (None, Some(element)) => !covered(element),
        (None, None) => false,
    }
}

fn one_action(pattern: &str, action: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (Some((prefix, name)), Some((service, called))) = (pattern.split_once(':'), action.split_once(':')) else {
        return false;
    };
    (prefix == "*" || prefix.eq_ignore_ascii_case(service))
        && text::glob(&name.to_lowercase(), &called.to_lowercase(), Wildcards::Everywhere)
}

fn resource_matches(case: &Case, statement: &Value, variables: bool, completed: bool) -> bool {
    let covered = |element: &Value| {
        let context = variables.then_some(&case.context);
        texts(element).iter().any(|pattern| one_resource(pattern, &case.resource, context, completed))
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(element), _) => covered(element),
        (None, Some(element)) => !covered(element),
        // A trust policy is about its role; elsewhere a statement without Resource does nothing.
        (None, None) => case.kind == Kind::Role,
    }
}

fn one_resource(pattern: &str, resource: &str, context: Option<&Context>, completed: bool) -> bool {
    if pattern == "*" {
        return true;
    }
    let parts = text::arn_parts(pattern);
    if resource == "*" || parts.first() != Some(&"arn") {
        return false;
    }
    let matches = |pattern: &str| match text::resource_tokens(pattern, context) {
        Found::Tokens(tokens) => text::matches(&tokens, resource),
        Found::Unresolved => false,
    };
    let short = parts.len() < ARN_PARTS;
    matches(pattern) || (completed && short && matches(&format!("{pattern}{}", ":*".repeat(ARN_PARTS - parts.len()))))
}

fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// The texts of a value or of a list of values; numbers and booleans by their text.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

fn allow(by: &'static str) -> Verdict {
    Verdict { decision: "Allow", by }
}

fn implicit(by: &'static str) -> Verdict {
    Verdict { decision: "ImplicitDeny", by }
}

/// Actions that no policy gives or takes.
const ALWAYS_ALLOWED: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// Operations that work on keys of other accounts ("Cross-account use" of each operation of the KMS API).
const ACROSS_ACCOUNTS: [&str; 23] = [
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
    "ReEncrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "RevokeGrant",
    "Sign",
    "Verify",
    "VerifyMac",
    // The pair below came after the first list of the guide.
    "Decapsulate",
    "Encapsulate",
];

/// Parts of an ARN.
const ARN_PARTS: usize = 6;

#[cfg(test)]
mod ceilings;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod tests;
