//! An explanation in the form that is kept and shown.
//!
//! Not here: the decision; `policy::explain` makes it. Invariant: everything that was compared is here with both sides.

use std::collections::{BTreeMap, BTreeSet};

use kanuki_policy::{
    Decision, Effect, Explanation, Fact, Facts, GrantMismatch, GrantReach, MatchKinds, Policies, PolicyKind, Request,
    ResourceKind, Source, StatementEffect, StatementTrace,
};
use serde::{Deserialize, Serialize};

/// One access: what was asked, what was answered, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DemandNote {
    /// The action, such as `kms:Decrypt`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// `Allow`, `ExplicitDeny` or `ImplicitDeny`.
    pub decision: String,
    /// What decided: for an implicit deny what was missing.
    pub by: String,
    /// The same in one sentence.
    pub reason: String,
    /// The documents that were looked at.
    pub documents: Vec<DocumentNote>,
    /// The grants that name the caller.
    pub grants: Vec<GrantNote>,
    /// The values of the condition keys that any of the documents asks for; none for a key that the request has not.
    pub facts: BTreeMap<String, Option<Vec<String>>>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DocumentNote {
    /// Which kind of policy it is.
    pub kind: String,
    /// The level of the organization, for control policies; else 0.
    pub level: usize,
    /// Its name.
    pub name: String,
    /// Its statements.
    pub statements: Vec<StatementNote>,
}

/// A statement: which of its parts match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatementNote {
    /// Its number in the document, from 0.
    pub index: usize,
    /// Its Sid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Whether it applies: everything below matches.
    pub applies: bool,
    /// In which ways it names the caller; none if it names nobody because it belongs to somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Vec<String>>,
    /// Whether it covers the action.
    pub action: bool,
    /// Whether it covers the resource.
    pub resource: bool,
    /// Its conditions.
    pub conditions: Vec<ConditionNote>,
}

/// A condition with both sides of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConditionNote {
    /// The operator.
    pub operator: String,
    /// The key.
    pub key: String,
    /// The policy's values.
    pub values: Vec<String>,
    /// The request's values; none if it has no such key.
    pub request: Option<Vec<String>>,
    /// Whether it holds.
    pub holds: bool,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GrantNote {
    /// Its id.
    pub id: String,
    /// Whether it gives the action.
    pub gives: bool,
    /// Why, or why not.
    pub reason: String,
}

/// Writes an explanation down.
#[must_use]
pub(crate) fn note_of(request: &Request<'_>, policies: &Policies<'_>, explanation: Explanation) -> DemandNote {
    let decision = explanation.decision;
    let facts = facts_of(request.facts, policies);
    DemandNote {
        action: request.action.to_owned(),
        resource: request.resource.to_owned(),
        decision: effect_name(decision.effect).into(),
        by: source_name(decision.by).into(),
        reason: reason(&decision, request, policies),
        documents: explanation
            .documents
            .into_iter()
            .map(|document| DocumentNote {
                kind: kind_name(document.kind).into(),
                level: document.level,
                name: document.name,
                statements: document.statements.into_iter().map(StatementNote::of).collect(),
            })
            .collect(),
        grants: explanation
            .grants
            .into_iter()
            .map(|grant| GrantNote { id: grant.id, gives: grant.reach.is_ok(), reason: reach_text(grant.reach).into() })
            .collect(),
        facts,
    }
}

impl StatementNote {
    fn of(trace: StatementTrace) -> Self {
        let names = |kinds: MatchKinds| kinds.names().map(Into::into).collect();
        Self {
            index: trace.index,
            sid: trace.sid,
            effect: match trace.effect {
                StatementEffect::Allow => "Allow".into(),
                StatementEffect::Deny => "Deny".into(),
            },
            applies: trace.applies,
            principal: trace.principal.map(names),
            action: trace.action,
            resource: trace.resource,
            conditions: trace
                .conditions
                .into_iter()
                .map(|condition| ConditionNote {
                    operator: condition.operator,
                    key: condition.key,
                    values: condition.values,
                    request: condition.request,
                    holds: condition.holds,
                })
                .collect(),
        }
    }

    fn is_about_this(&self) -> bool {
        self.action && self.principal.as_ref().is_none_or(|names| !names.is_empty())
    }
}

impl DemandNote {
    /// Puts another decision in place of the one that the policies alone give.
    pub(crate) fn decided_otherwise(&mut self, effect: Effect, reason: impl Into<String>) {
        self.decision = effect_name(effect).into();
        self.reason = reason.into();
    }

    /// Adds a grant that names the caller and cannot carry the access.
    pub(crate) fn passed_over(&mut self, id: impl Into<String>, reason: impl Into<String>) {
        self.grants.push(GrantNote { id: id.into(), gives: false, reason: reason.into() });
    }

    /// Leaves out statements about other actions or principals.
    pub(super) fn leave_out_what_is_about_others(&mut self) {
        self.documents.iter_mut().for_each(|document| document.statements.retain(StatementNote::is_about_this));
    }

    /// Leaves out statements that do not apply.
    pub(super) fn leave_out_what_does_not_apply(&mut self) {
        self.documents.iter_mut().for_each(|document| document.statements.retain(|statement| statement.applies));
    }

    /// Leaves out documents, grants and facts.
    pub(super) fn leave_out_documents(&mut self) {
        self.documents.clear();
        self.grants.clear();
        self.facts.clear();
    }
}

/// The values of every condition key that a document asks for.
fn facts_of(facts: &dyn Facts, policies: &Policies<'_>) -> BTreeMap<String, Option<Vec<String>>> {
    let control = policies.service_control.iter().chain(policies.resource_control).flatten();
    let own = policies.identity.iter().chain(policies.boundary).chain(policies.resource);
    let documents = own.chain(policies.session.into_iter().flatten()).chain(control);
    let keys: BTreeSet<&str> = documents.flat_map(|named| named.document.condition_keys()).collect();
    let value = |key: &str| {
        Some(match facts.fact(key)? {
            Fact::Binary(bytes) => vec![format!("{} bytes", bytes.len())],
            Fact::Many(values) => values.into_iter().map(Into::into).collect(),
            Fact::One(value) => vec![value.into()],
        })
    };
    keys.into_iter().map(|key| (key.to_owned(), value(key))).collect()
}

/// One sentence for people.
fn reason(decision: &Decision, request: &Request<'_>, policies: &Policies<'_>) -> String {
    let statement = decision.statement.and_then(|found| {
        let name = found.document(policies)?.name.clone();
        let info = found.info(policies)?;
        let sid = info.sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
        Some(format!("statement {}{sid} of {name}", info.index + 1))
    });
    let grant =
        decision.grant.and_then(|number| policies.grants.get(number)).map(|grant| format!("grant {}", grant.id));
    let what = grant.or(statement).unwrap_or_else(|| source_text(decision.by, request.resource_kind).into());
    match decision.effect {
        Effect::Allow => format!("{what} allows it"),
        Effect::ExplicitDeny => format!("{what} denies it"),
        Effect::ImplicitDeny => format!("nothing in {what} allows it"),
    }
}

fn source_text(source: Source, kind: ResourceKind) -> &'static str {
    match source {
        Source::Always => "the service, whatever policies say,",
        Source::Boundary => "the permissions boundary",
        Source::Default | Source::Identity => "the identity policies",
        Source::Grant => "the grants",
        Source::Resource if kind == ResourceKind::KmsKey => "the key policy",
        Source::Resource if kind == ResourceKind::RoleTrust => "the trust policy",
        Source::Resource => "the resource's policy",
        Source::ResourceAndIdentity => "the resource's policy together with the identity policies",
        Source::ResourceControl => "the resource control policies",
        Source::Root => "the power of the account's root",
        Source::ServiceControl => "the service control policies",
        Source::Session => "the session policies",
    }
}

fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::ExplicitDeny => EXPLICIT_DENY,
        Effect::ImplicitDeny => IMPLICIT_DENY,
    }
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Always => "always",
        Source::Boundary => "boundary",
        Source::Default => "default",
        Source::Grant => "grant",
        Source::Identity => "identity",
        Source::Resource => "resource",
        Source::ResourceAndIdentity => "resource+identity",
        Source::ResourceControl => "resource control",
        Source::Root => "root",
        Source::ServiceControl => "service control",
        Source::Session => "session",
    }
}

fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Boundary => "boundary",
        PolicyKind::Identity => "identity",
        PolicyKind::Resource => "resource",
        PolicyKind::ResourceControl => "resource control",
        PolicyKind::ServiceControl => "service control",
        PolicyKind::Session => "session",
    }
}

fn reach_text(reach: Result<GrantReach, GrantMismatch>) -> &'static str {
    match reach {
        Ok(GrantReach::Direct) => "it names the caller",
        Ok(GrantReach::Limited) => "it names the caller's role, within boundary and session policy",
        Err(GrantMismatch::EncryptionContext) => "the encryption context does not meet its constraint",
        Err(GrantMismatch::Grantee) => "it is for another principal",
        Err(GrantMismatch::Operation) => "it does not hold the operation",
    }
}

/// The name of an explicit deny in a note.
pub(super) const EXPLICIT_DENY: &str = "ExplicitDeny";
/// The name of an implicit deny in a note.
pub(super) const IMPLICIT_DENY: &str = "ImplicitDeny";
