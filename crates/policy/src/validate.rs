//! The rules that a document must meet in its place, and the texts of those it breaks.
//!
//! Not here: the grammar itself (`syntax`), and rules that need a directory, an entity's size or a caller.
//! Invariants: rules are checked in the order of the service, and the first that is broken names the error; nothing is
//! refused that the service stores.
//! Source: answers of CreatePolicy, CreateRole and PutKeyPolicy as they are recorded in `vectors/policy`.

mod action;
mod resource;
mod principal;

use std::collections::BTreeSet;

use crate::{
    condition::{
        date::Instant,
        operator::{Comparison, SetOperator},
    },
    document::Target,
    fold::fold_key,
    syntax::{Listed, RawCondition, RawEffect, RawStatement, Syntax, Version},
};

/// A document passes, or the text of the first rule it breaks.
type Checked = Result<(), String>;

/// Checks all rules of a place.
pub(crate) fn check(target: Target, document: &Syntax) -> Checked {
    version(target, document.version)?;
    let statements = &document.statements;
    statements.iter().try_for_each(|statement| principal::placed(target, statement))?;
    statements.iter().try_for_each(|statement| legacy(target, statement))?;
    sids(target, statements)?;
    statements.iter().try_for_each(|statement| actions_present(target, statement))?;
    statements.iter().try_for_each(|statement| resource::formats(target, statement))?;
    statements.iter().try_for_each(action::formats)?;
    statements.iter().try_for_each(|statement| resources_present(target, statement))?;
    statements.iter().try_for_each(|statement| action::placed(target, statement))?;
    statements.iter().try_for_each(|statement| principal::formats(target, statement))?;
    statements.iter().flat_map(|statement| &statement.conditions).try_for_each(|found| permissive(target, found))
}

/// The text for what is not JSON at all: KMS has none.
pub(crate) fn no_json(target: Target) -> &'static str {
    if target == Target::KeyPolicy { "" } else { SYNTAX }
}

fn version(target: Target, version: Option<Version>) -> Checked {
    let any = matches!(target, Target::KeyPolicy | Target::Resource | Target::Trust);
    ensure(any || version == Some(Version::V2012), || VERSION.into())
}

/// What an older parser of the service refuses without a reason.
fn legacy(target: Target, statement: &RawStatement) -> Checked {
    let dates = statement.conditions.iter().filter(|found| matches!(found.operator.comparison, Comparison::Date(_)));
    let dates_are_read = dates.flat_map(|found| &found.values).all(|value| Instant::parse(value).is_some());
    let passes = statement.effect != RawEffect::WrongCase && dates_are_read && resource::shaped(target, statement);
    ensure(passes, || LEGACY.into())
}

fn sids(target: Target, statements: &[RawStatement]) -> Checked {
    if matches!(target, Target::KeyPolicy | Target::Resource) {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for sid in statements.iter().filter_map(|statement| statement.sid.as_deref()).filter(|sid| !sid.is_empty()) {
        ensure(sid.bytes().all(|b| b.is_ascii_alphanumeric()), || SID_CHARACTERS.into())?;
        ensure(seen.insert(sid), || SID_UNIQUE.into())?;
    }
    Ok(())
}

fn actions_present(target: Target, statement: &RawStatement) -> Checked {
    ensure(target == Target::KeyPolicy || is_given(statement.action.as_ref()), || ACTIONS.into())
}

fn resources_present(target: Target, statement: &RawStatement) -> Checked {
    match (target, &statement.resource) {
        (Target::KeyPolicy, _) | (Target::Trust, None) => Ok(()),
        (Target::Trust, Some(found)) => {
            Err(format!("Has prohibited field {}", if found.not { "NotResource" } else { "Resource" }))
        }
        (_, found) => ensure(is_given(found.as_ref()), || RESOURCES.into()),
    }
}

/// A set operator that is true without any value, on a key that has at most one.
fn permissive(target: Target, condition: &RawCondition) -> Checked {
    let key = fold_key(&condition.key);
    let kind = if key.starts_with("kms:encryptioncontext:") {
        "encryption context"
    } else if key.starts_with("aws:requesttag/") {
        "tag"
    } else {
        return Ok(());
    };
    ensure(target != Target::KeyPolicy || condition.operator.set != Some(SetOperator::ForAllValues), || {
        format!(
            "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches \
             requests without the specified {kind} or with an unspecified {kind}. To fix, remove ForAllValues."
        )
    })
}

fn is_given(element: Option<&Listed<Vec<String>>>) -> bool {
    element.is_some_and(|found| !found.list.is_empty())
}

fn ensure(passes: bool, message: impl FnOnce() -> String) -> Checked {
    if passes { Ok(()) } else { Err(message()) }
}

/// The grammar is broken.
pub(crate) const SYNTAX: &str = "Syntax errors in policy.";

const ACTIONS: &str = "Policy statement must contain actions.";
const LEGACY: &str = "The policy failed legacy parsing";
const RESOURCES: &str = "Policy statement must contain resources.";
const SID_CHARACTERS: &str =
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";
const SID_UNIQUE: &str = "Statement IDs (SID) in a single policy must be unique.";
const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";

#[cfg(test)]
mod tests;
