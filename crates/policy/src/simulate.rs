//! The decision with the statements that apply and the condition keys that were missed: what a simulation answers.
//!
//! Not here: the whole trace (`explain`). Invariant: the decision is the one that [`decide`](crate::decide) returns.
//! Source: "SimulateCustomPolicy" of the IAM API reference.

use std::collections::BTreeMap;

use crate::{
    decision::{Decision, PolicyKind, StatementRef},
    evaluate::{Found, Observer, evaluate},
    principal::MatchKinds,
    request::{NamedDocument, Policies, Request},
    statement::{Statement, StatementEffect},
};

/// A decision, what applies, and what was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The decision.
    pub decision: Decision,
    /// Every statement that applies, in the order in which documents are looked at.
    pub applied: Vec<AppliedStatement>,
    /// The condition keys, as written and sorted, that statements on the action and the resource ask for and that the
    /// request does not have. Those of control policies are left out.
    pub missing: Vec<String>,
}

/// A statement that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedStatement {
    /// Which.
    pub at: StatementRef,
    /// What it does.
    pub effect: StatementEffect,
}

/// Decides a request that nobody made.
#[must_use]
pub fn simulate(request: &Request<'_>, policies: &Policies<'_>) -> Simulation {
    let mut notes = Notes::default();
    let decision = evaluate(request, policies, &mut notes);
    Simulation { decision, applied: notes.applied, missing: notes.missing.into_values().collect() }
}

#[derive(Debug, Default)]
struct Notes {
    /// The document whose statements come: its kind, its level, and its number in them.
    place: Option<(PolicyKind, usize, usize)>,
    applied: Vec<AppliedStatement>,
    /// In lower case, and as written.
    missing: BTreeMap<Box<str>, String>,
}

impl Observer for Notes {
    const RECORDS: bool = false;

    fn document(&mut self, kind: PolicyKind, level: usize, _: &NamedDocument) {
        self.place = match self.place {
            Some((before, at, document)) if (before, at) == (kind, level) => Some((kind, level, document + 1)),
            _ => Some((kind, level, 0)),
        };
    }

    fn statement(&mut self, index: usize, statement: &Statement, request: &Request<'_>, found: Found) {
        let Some((kind, level, document)) = self.place else { return };
        if found.applies() {
            let at = StatementRef { kind, level, document, statement: index };
            self.applied.push(AppliedStatement { at, effect: statement.effect });
        }
        let is_about_it = found.action && found.principal != Some(MatchKinds::NONE);
        if is_about_it && !matches!(kind, PolicyKind::ResourceControl | PolicyKind::ServiceControl) {
            self.miss(statement, request, found.resource);
        }
    }
}

impl Notes {
    /// Notes the keys that a statement asks for and does not get: of its conditions only if it covers the resource, or
    /// could if a variable of its Resource had a value.
    fn miss(&mut self, statement: &Statement, request: &Request<'_>, covers: bool) {
        let is_missing = |key: &str| !key.is_empty() && request.facts.fact(key).is_none();
        let mut could_cover = covers;
        for variable in statement.resource.variables().filter(|variable| variable.needs_value(request.facts)) {
            could_cover = true;
            self.missing.entry(variable.key.clone()).or_insert_with(|| variable.name.as_ref().into());
        }
        if !could_cover {
            return;
        }
        for condition in statement.conditions.iter().filter(|condition| is_missing(&condition.key)) {
            self.missing.entry(condition.key.clone()).or_insert_with(|| condition.written.key.as_ref().into());
        }
        let variables = statement.conditions.iter().flat_map(|condition| condition.variables());
        for variable in variables.filter(|variable| variable.needs_value(request.facts)) {
            self.missing.entry(variable.key.clone()).or_insert_with(|| variable.name.as_ref().into());
        }
    }
}

#[cfg(test)]
mod tests;
