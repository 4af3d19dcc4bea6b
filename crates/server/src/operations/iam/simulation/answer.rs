//! The answer of a simulation: one result for each action, with one for each resource in it.
//!
//! Not here: what is decided. Invariants: an action has the most restrictive answer of its resources; the statements
//! beside it are those that led there.
//!
//! Rule: the data types EvaluationResult, ResourceSpecificResult and Statement of the IAM API reference.

use std::collections::{BTreeMap, BTreeSet};

use kanuki_policy::{Effect, Position};
use serde::Serialize;
use serde_json::Value;

use super::templates;
use crate::{
    authz::hypothesis::simulation::{Place, Resource, Side, Verdict},
    wire::xml_map,
};

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    evaluation_results: Vec<EvaluationResult>,
    is_truncated: bool,
    marker: Option<String>,
}

/// The result for an action.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EvaluationResult {
    eval_action_name: String,
    eval_resource_name: &'static str,
    eval_decision: &'static str,
    matched_statements: Vec<Statement>,
    missing_context_values: BTreeSet<String>,
    organizations_decision_detail: Option<OrganizationsDecisionDetail>,
    permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
    eval_decision_details: Option<Value>,
    resource_specific_results: Option<Vec<ResourceSpecificResult>>,
}

/// The result for an action on a resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceSpecificResult {
    eval_resource_name: String,
    eval_resource_decision: &'static str,
    matched_statements: Vec<Statement>,
    missing_context_values: Vec<String>,
    permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
    eval_decision_details: Option<Value>,
}

/// A statement that matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    source_policy_id: String,
    source_policy_type: &'static str,
    start_position: Spot,
    end_position: Spot,
}

/// A place in the text of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Spot {
    line: usize,
    column: usize,
}

/// What the service control policies do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OrganizationsDecisionDetail {
    allowed_by_organizations: bool,
}

/// What the permissions boundary does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PermissionsBoundaryDecisionDetail {
    allowed_by_permissions_boundary: bool,
}

impl Output {
    pub(super) fn new(evaluation_results: Vec<EvaluationResult>, marker: Option<String>) -> Self {
        Self { evaluation_results, is_truncated: marker.is_some(), marker }
    }
}

impl EvaluationResult {
    /// The result for an action, from the verdicts on each of the resources.
    pub(super) fn of(
        action: &str,
        resources: &[Resource],
        verdicts: &[Verdict],
        statements: impl Fn(&Verdict) -> Vec<Statement>,
    ) -> Self {
        let decision = verdicts.iter().map(|verdict| verdict.effect).max_by_key(|effect| severity(*effect));
        let decision = decision.unwrap_or(Effect::ImplicitDeny);
        let led_there = verdicts.iter().filter(|it| it.effect == decision && decision != Effect::ImplicitDeny);
        let matched: BTreeSet<Statement> = led_there.flat_map(&statements).collect();
        let of_all =
            |each: fn(&Verdict) -> Option<bool>| verdicts.iter().filter_map(each).reduce(|all, one| all && one);
        let named = resources.iter().any(|resource| resource.place != Place::Nothing);
        let specific =
            || resources.iter().zip(verdicts).map(|(it, verdict)| specific(it, verdict, statements(verdict)));
        Self {
            eval_action_name: action.into(),
            eval_resource_name: templates::resource_of(action),
            eval_decision: decision_word(decision),
            matched_statements: matched.into_iter().collect(),
            missing_context_values: verdicts.iter().flat_map(|verdict| verdict.missing.iter().cloned()).collect(),
            organizations_decision_detail: of_all(|verdict| verdict.organizations)
                .map(|allowed_by_organizations| OrganizationsDecisionDetail { allowed_by_organizations }),
            permissions_boundary_decision_detail: boundary_detail(of_all(|verdict| verdict.boundary)),
            eval_decision_details: named.then(|| all_sides(verdicts)).flatten(),
            resource_specific_results: named.then(|| specific().collect()),
        }
    }
}

impl EvaluationResult {
    /// How many statements are told.
    pub(super) fn statements(&self) -> usize {
        let specific = self.resource_specific_results.iter().flatten();
        specific.map(|it| it.matched_statements.len()).sum::<usize>() + self.matched_statements.len()
    }
}

impl Statement {
    pub(super) fn new(id: &str, kind: &'static str, start: Position, end: Position) -> Self {
        let place = |Position { line, column }| Spot { line, column };
        Self {
            source_policy_id: id.into(),
            source_policy_type: kind,
            start_position: place(start),
            end_position: place(end),
        }
    }
}

fn specific(resource: &Resource, verdict: &Verdict, matched_statements: Vec<Statement>) -> ResourceSpecificResult {
    ResourceSpecificResult {
        eval_resource_name: resource.text.clone(),
        eval_resource_decision: decision_word(verdict.effect),
        matched_statements,
        missing_context_values: verdict.missing.clone(),
        permissions_boundary_decision_detail: boundary_detail(verdict.boundary),
        eval_decision_details: verdict.sides.as_ref().map(shown_sides),
    }
}

/// The most restrictive answer of each side; empty if all resources are of the caller's own account, and none if the
/// control policies end every simulation.
fn all_sides(verdicts: &[Verdict]) -> Option<Value> {
    if verdicts.iter().all(|verdict| verdict.organizations == Some(false)) {
        return None;
    }
    let mut all: BTreeMap<Side, Effect> = BTreeMap::new();
    for (side, effect) in verdicts.iter().flat_map(|verdict| verdict.sides.iter().flatten()) {
        let worst = all.entry(*side).or_insert(*effect);
        *worst = std::cmp::max_by_key(*worst, *effect, |effect| severity(*effect));
    }
    Some(shown_sides(&all))
}

fn shown_sides(sides: &BTreeMap<Side, Effect>) -> Value {
    let word = |side: &Side| match side {
        Side::Boundary => "Permissions Boundary Policy",
        Side::Identity => "IAM Policy",
        Side::Resource => "Resource Policy",
    };
    xml_map(sides.iter().map(|(side, effect)| (word(side), decision_word(*effect))))
}

fn boundary_detail(allowed: Option<bool>) -> Option<PermissionsBoundaryDecisionDetail> {
    allowed.map(|allowed_by_permissions_boundary| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary })
}

/// How restrictive an answer is.
const fn severity(effect: Effect) -> u8 {
    match effect {
        Effect::Allow => 0,
        Effect::ImplicitDeny => 1,
        Effect::ExplicitDeny => 2,
    }
}

const fn decision_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::ExplicitDeny => "explicitDeny",
        Effect::ImplicitDeny => "implicitDeny",
    }
}
