//! Rules about Principal and NotPrincipal.
//!
//! Not here: whether a principal exists.

use super::{Checked, ensure};
use crate::{
    document::Target,
    principal::element::PrincipalPattern,
    syntax::{Listed, RawEffect, RawPrincipal, RawStatement},
};

/// Whether the element may stand here.
pub(super) fn placed(target: Target, statement: &RawStatement) -> Checked {
    let forbidden = matches!(target, Target::Identity | Target::ServiceControl | Target::Session);
    ensure(!forbidden || statement.principal.is_none(), || PRINCIPAL_FORBIDDEN.into())
}

/// Whether the element is there, and each of its values can name somebody.
pub(super) fn formats(target: Target, statement: &RawStatement) -> Checked {
    match (target, &statement.principal) {
        (Target::Identity | Target::ResourceControl | Target::ServiceControl | Target::Session, None) => Ok(()),
        (_, None) => Err(missing(target)),
        (_, Some(found)) if is_empty(&found.list) => Err(missing(target)),
        (Target::Trust, Some(Listed { not: true, .. })) => Err("Has prohibited field NotPrincipal".into()),
        (_, Some(Listed { not: true, .. })) if statement.effect == RawEffect::Allow => Err(NOT_PRINCIPAL.into()),
        (_, Some(found)) => values(target, &found.list),
    }
}

fn is_empty(principal: &RawPrincipal) -> bool {
    match principal {
        RawPrincipal::Text(_) => false,
        RawPrincipal::Typed(types) => types.iter().all(|(_, values)| values.is_empty()),
    }
}

fn values(target: Target, principal: &RawPrincipal) -> Checked {
    match principal {
        RawPrincipal::Text(text) => ensure(text == "*", || invalid(target, "STAR", text)),
        RawPrincipal::Typed(types) => types
            .iter()
            .flat_map(|(kind, values)| values.iter().map(move |value| (kind, value)))
            .try_for_each(|(kind, value)| ensure(is_valid(target, kind, value), || invalid(target, kind, value))),
    }
}

fn is_valid(target: Target, kind: &str, value: &str) -> bool {
    let pattern = PrincipalPattern::new(kind, value);
    match pattern {
        PrincipalPattern::Nobody => false,
        // Tokens of a provider are exchanged for a role's session and nothing else.
        PrincipalPattern::Federated(_) => target == Target::Trust,
        // A resource control policy is for everyone; conditions narrow it.
        other => target != Target::ResourceControl || other == PrincipalPattern::Everyone,
    }
}

fn missing(target: Target) -> String {
    match target {
        Target::KeyPolicy => "Policy contains a statement with no principal.".into(),
        _ => "Missing required field Principal".into(),
    }
}

/// Clients retry on these texts, because a new principal takes a while to be known everywhere at AWS.
fn invalid(target: Target, kind: &str, value: &str) -> String {
    match target {
        Target::KeyPolicy => "Policy contains a statement with one or more invalid principals.".into(),
        _ => format!("Invalid principal in policy: \"{}\":\"{value}\"", kind.to_ascii_uppercase()),
    }
}

const NOT_PRINCIPAL: &str = "Policy statement must not contain NotPrincipal with the effect Allow.";
const PRINCIPAL_FORBIDDEN: &str = "Policy document should not specify a principal.";
