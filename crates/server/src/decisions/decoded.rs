//! A decision in the form that `DecodeAuthorizationMessage` answers.
//!
//! Not here: what of it may be shown. Invariant: beside the members of the API stands the whole decision, in the very
//! form in which an operator gets it.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>. That page tells which
//! facts there are; the names of the members are those that the service answers.

use serde::Serialize;

use super::{
    note::{DemandNote, EXPLICIT_DENY},
    records::DecisionRecord,
};
use crate::error::ApiError;

impl DecisionRecord {
    /// The decoded message.
    ///
    /// # Errors
    /// If it cannot be serialised, which is a defect.
    pub(crate) fn decoded(&self) -> Result<String, ApiError> {
        // The last access is the one that was refused; those before it were allowed.
        let refused = self.demands.last();
        let decoded = Decoded {
            allowed: self.allowed,
            explicit_deny: refused.is_some_and(|demand| demand.decision == EXPLICIT_DENY),
            matched_statements: Items { items: refused.map(matched).unwrap_or_default() },
            failures: Items { items: Vec::new() },
            context: Context {
                principal: Principal {
                    id: self.principal_id.as_deref(),
                    name: user_name(&self.principal),
                    arn: &self.principal,
                },
                action: refused.map_or(&self.operation, |demand| &demand.action),
                resource: refused.map_or("*", |demand| &demand.resource),
                conditions: Items { items: refused.map(facts).unwrap_or_default() },
            },
            decision: self,
        };
        serde_json::to_string(&decoded).map_err(ApiError::internal)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decoded<'a> {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<Matched<'a>>,
    /// What could not be evaluated: documents are refused when they are written, so there is nothing.
    failures: Items<()>,
    context: Context<'a>,
    decision: &'a DecisionRecord,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matched<'a> {
    statement_id: &'a str,
    effect: String,
    /// The document's name and kind, and the statement's number in it, from 1.
    policy: &'a str,
    policy_type: &'a str,
    statement: usize,
    conditions: Items<Pair<'a>>,
}

#[derive(Serialize)]
struct Context<'a> {
    principal: Principal<'a>,
    action: &'a str,
    resource: &'a str,
    conditions: Items<Pair<'a>>,
}

#[derive(Serialize)]
struct Principal<'a> {
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arn: &'a str,
}

/// A condition key with its values.
#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    values: Items<OneValue<'a>>,
}

#[derive(Serialize)]
struct OneValue<'a> {
    value: &'a str,
}

/// The statements that apply.
fn matched(demand: &DemandNote) -> Vec<Matched<'_>> {
    let statements =
        demand.documents.iter().flat_map(|document| document.statements.iter().map(move |found| (document, found)));
    let applying = statements.filter(|(_, statement)| statement.applies);
    applying
        .map(|(document, statement)| Matched {
            statement_id: statement.sid.as_deref().unwrap_or_default(),
            effect: statement.effect.to_uppercase(),
            policy: &document.name,
            policy_type: &document.kind,
            statement: statement.index + 1,
            conditions: Items { items: statement.conditions.iter().map(|it| pair(&it.key, &it.values)).collect() },
        })
        .collect()
}

/// The condition keys that the request has, of those that a document asks for.
fn facts(demand: &DemandNote) -> Vec<Pair<'_>> {
    demand.facts.iter().filter_map(|(key, values)| Some(pair(key, values.as_ref()?))).collect()
}

fn pair<'a>(key: &'a str, values: &'a [String]) -> Pair<'a> {
    Pair { key, values: Items { items: values.iter().map(|value| OneValue { value }).collect() } }
}

fn user_name(principal: &str) -> Option<&str> {
    principal.split_once(":user/")?.1.rsplit('/').next()
}

#[cfg(test)]
mod tests;
