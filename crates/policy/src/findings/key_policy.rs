//! Advice about policies that concern KMS keys.
//!
//! Not here: whether the advice is right for a key; its owner knows. Invariant: each finding names a sentence of the
//! whitepaper "AWS KMS Best Practices" or of "Key policies" of the AWS KMS developer guide.

use super::{FindingKind, Notes};
use crate::{
    document::Target,
    fold::fold_key,
    syntax::{RawPrincipal, RawStatement},
};

/// Looks through a statement.
pub(super) fn statement(target: Target, statement: &RawStatement, allows: bool, notes: &mut Notes<'_>) {
    principals(statement, allows, notes);
    aliases(target, statement, notes);
    if target == Target::KeyPolicy {
        inert(statement, notes);
        if allows {
            everything_for_one(statement, notes);
        }
    }
}

fn principals(statement: &RawStatement, allows: bool, notes: &mut Notes<'_>) {
    let Some(principal) = &statement.principal else { return };
    if principal.not {
        let details =
            "NotPrincipal denies also sessions, roles and whoever is made later; use Principal with conditions";
        notes.add(FindingKind::Warning, "NOT_PRINCIPAL", details.into());
    }
    if allows && names_everyone(&principal.list) && !is_pinned(statement) {
        let details =
            "everyone of every account is allowed; pin it with kms:CallerAccount or another key of the caller";
        notes.add(FindingKind::SecurityWarning, "PUBLIC_PRINCIPAL", details.into());
    }
}

/// The key policy of a key is about that key: what names an alias names nothing.
fn aliases(target: Target, statement: &RawStatement, notes: &mut Notes<'_>) {
    let texts = statement.resource.iter().flat_map(|resource| &resource.list);
    for text in texts.filter(|text| text.starts_with("arn:aws:kms:") && text.contains(":alias/")) {
        let only_about_keys = statement.action.as_ref().is_some_and(|action| {
            !action.not && !action.list.is_empty() && action.list.iter().all(|name| !may_be_about_aliases(name))
        });
        if target == Target::KeyPolicy || only_about_keys {
            let details = format!(
                "`{text}` is an alias, and calls on keys are decided on the key's ARN; use kms:ResourceAliases"
            );
            notes.add(FindingKind::Error, "ALIAS_AS_RESOURCE", details);
        }
    }
}

fn inert(statement: &RawStatement, notes: &mut Notes<'_>) {
    match &statement.resource {
        None => notes.add(FindingKind::Error, "NEVER_MATCHES", "without Resource the statement has no effect".into()),
        Some(resource) if !resource.not && !resource.list.iter().any(|text| may_name_a_key(text)) => {
            let details = "no Resource of the statement can name the key; write `*`, which is this key".into();
            notes.add(FindingKind::Error, "NEVER_MATCHES", details);
        }
        Some(_) => {}
    }
    let actions = statement.action.as_ref().filter(|action| !action.not);
    if actions.is_some_and(|action| !action.list.iter().any(|name| may_be_of_kms(name))) {
        notes.add(FindingKind::Error, "NEVER_MATCHES", "no Action of the statement is one of KMS".into());
    }
}

/// Whoever has every action on a key can give it away; the account's root is the one who must.
fn everything_for_one(statement: &RawStatement, notes: &mut Notes<'_>) {
    let everything = |name: &String| name == "*" || fold_key(name) == "kms:*";
    let Some(action) = &statement.action else { return };
    if action.not || !action.list.iter().any(everything) {
        return;
    }
    let Some(principal) = &statement.principal else { return };
    let names = match &principal.list {
        RawPrincipal::Text(_) => return,
        RawPrincipal::Typed(types) => types.iter().flat_map(|(_, values)| values),
    };
    for name in names.filter(|name| *name != "*" && !is_account(name)).take(NAMED_MAX) {
        let details =
            format!("`{name}` is given every action; name those that it needs, and keep use and administration apart");
        notes.add(FindingKind::SecurityWarning, "EVERY_ACTION_FOR_A_PRINCIPAL", details);
    }
}

fn names_everyone(principal: &RawPrincipal) -> bool {
    match principal {
        RawPrincipal::Text(text) => text == "*",
        RawPrincipal::Typed(types) => {
            types.iter().any(|(kind, values)| kind == "AWS" && values.iter().any(|value| value == "*"))
        }
    }
}

/// Whether a condition holds for callers of one account, or nearer, alone.
fn is_pinned(statement: &RawStatement) -> bool {
    statement.conditions.iter().any(|condition| {
        let operator = condition.operator;
        let key = fold_key(&condition.key);
        let is_fixed = |value: &String| !value.starts_with('*') && value != "0.0.0.0/0" && value != "::/0";
        PINNING.contains(&key.as_str())
            && !operator.negated
            && !operator.if_exists
            && operator.set.is_none()
            && condition.values.iter().all(is_fixed)
    })
}

fn is_account(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_digit()) || name.ends_with(":root")
}

fn may_name_a_key(text: &str) -> bool {
    text == "*" || text.starts_with("arn:aws:kms:") && !text.contains(":alias/")
}

fn may_be_of_kms(name: &str) -> bool {
    name == "*" || name.starts_with("*:") || fold_key(name).starts_with("kms:")
}

fn may_be_about_aliases(name: &str) -> bool {
    let name = fold_key(name);
    name.contains('*') || name.contains('?') || name.ends_with("alias")
}

/// Most principals of a statement that are named.
const NAMED_MAX: usize = 20;

/// Keys that say whose the call is ("Using policy conditions" of the AWS KMS developer guide).
const PINNING: [&str; 9] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:userid",
    "kms:calleraccount",
];
