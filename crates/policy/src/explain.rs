//! The decision with every reason: the same evaluator, with an observer that writes everything down.
//!
//! Not here: rendering.
//! Invariant: the decision is the one that [`decide`](crate::decide) returns.

use crate::{
    condition::Condition,
    decision::{Decision, PolicyKind},
    evaluate::{Found, Observer, evaluate},
    facts::Fact,
    grants::{GrantMismatch, GrantReach, GrantView},
    principal::MatchKinds,
    request::{NamedDocument, Policies, Request},
    statement::{Statement, StatementEffect},
};

/// A decision and all that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The documents, in the order in which they are looked at. None for an action that is always allowed.
    pub documents: Vec<DocumentTrace>,
    /// The grants.
    pub grants: Vec<GrantTrace>,
}

/// A document and its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTrace {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// The level of the organization, for control policies; else 0.
    pub level: usize,
    /// Its name.
    pub name: String,
    /// Its statements.
    pub statements: Vec<StatementTrace>,
}

/// A statement: which of its parts match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementTrace {
    /// Its number in the document, from 0.
    pub index: usize,
    /// Its Sid.
    pub sid: Option<String>,
    /// Its effect.
    pub effect: StatementEffect,
    /// Whether it applies: all that follows matches.
    pub applies: bool,
    /// In which ways it names the caller; none if it has no Principal element.
    pub principal: Option<MatchKinds>,
    /// Whether it covers the action.
    pub action: bool,
    /// Whether it covers the resource.
    pub resource: bool,
    /// Its conditions.
    pub conditions: Vec<ConditionTrace>,
}

/// A condition with what the request has for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTrace {
    /// The operator as written.
    pub operator: String,
    /// The key as written.
    pub key: String,
    /// The policy's values as written.
    pub values: Vec<String>,
    /// The request's values; none if the key is absent. Bytes are named by their number.
    pub request: Option<Vec<String>>,
    /// Whether it holds.
    pub holds: bool,
}

/// A grant: how it gives the action, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTrace {
    /// Its id.
    pub id: String,
    /// The result.
    pub reach: Result<GrantReach, GrantMismatch>,
}

/// Decides a request and says why.
///
/// It evaluates all parts of all statements, so it costs more than [`decide`](crate::decide); it is for operators.
#[must_use]
pub fn explain(request: &Request<'_>, policies: &Policies<'_>) -> Explanation {
    let mut recorder = Recorder::default();
    let decision = evaluate(request, policies, &mut recorder);
    Explanation { decision, documents: recorder.documents, grants: recorder.grants }
}

#[derive(Debug, Default)]
struct Recorder {
    documents: Vec<DocumentTrace>,
    /// Those of the statement that is being evaluated.
    conditions: Vec<ConditionTrace>,
    grants: Vec<GrantTrace>,
}

impl Observer for Recorder {
    const RECORDS: bool = true;

    fn document(&mut self, kind: PolicyKind, level: usize, document: &NamedDocument) {
        let name = document.name.as_ref().into();
        self.documents.push(DocumentTrace { kind, level, name, statements: Vec::new() });
    }

    fn condition(&mut self, condition: &Condition, request: &Request<'_>, holds: bool) {
        let request = request.facts.fact(&condition.key).map(|fact| match fact {
            Fact::Binary(bytes) => vec![format!("{} bytes", bytes.len())],
            Fact::Many(values) => values.into_iter().map(Into::into).collect(),
            Fact::One(value) => vec![value.into()],
        });
        let written = &condition.written;
        self.conditions.push(ConditionTrace {
            operator: written.operator.as_ref().into(),
            key: written.key.as_ref().into(),
            values: written.values.iter().map(|value| value.as_ref().into()).collect(),
            request,
            holds,
        });
    }

    fn statement(&mut self, index: usize, statement: &Statement, _: &Request<'_>, found: Found) {
        let trace = StatementTrace {
            index,
            sid: statement.sid.as_deref().map(Into::into),
            effect: statement.effect,
            applies: found.applies(),
            principal: found.principal,
            action: found.action,
            resource: found.resource,
            conditions: std::mem::take(&mut self.conditions),
        };
        if let Some(document) = self.documents.last_mut() {
            document.statements.push(trace);
        }
    }

    fn grant(&mut self, grant: &GrantView<'_>, reach: Result<GrantReach, GrantMismatch>) {
        self.grants.push(GrantTrace { id: grant.id.into(), reach });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kanuki_types::{Caller, CallerKind, UniqueId};

    use super::*;
    use crate::{
        decision::{Effect, Source},
        document::{Document, Target},
        facts::FactMap,
        principal::Principal,
        request::ResourceKind,
    };

    #[test]
    fn writes_down_every_part() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"Other","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Encrypt","Resource":"*"},
            {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",
             "Condition":{"StringLike":{"kms:viaService":["s3.*"]},"Bool":{"aws:SecureTransport":true}}}]}"#;
        let document = Arc::new(Document::parse(Target::KeyPolicy, text).unwrap());
        let resource = NamedDocument { name: "key policy".into(), document };
        let operations = ["Encrypt".to_owned()];
        let grant = GrantView {
            id: "g1",
            grantee: "arn:aws:iam::111122223333:user/alice",
            grantee_id: None,
            operations: &operations,
            encryption_context_equals: None,
            encryption_context_subset: None,
        };
        let account = "111122223333".parse().unwrap();
        let (path, name) = ("/".into(), "alice".into());
        let kind = CallerKind::User { path, name, id: UniqueId::new("AIDA") };
        let facts: FactMap = [("aws:SecureTransport", true)].into_iter().collect();
        let request = Request {
            action: "kms:Decrypt",
            resource: "arn:aws:kms:us-east-1:111122223333:key/1",
            resource_kind: ResourceKind::KmsKey,
            resource_account: account,
            principal: &Principal::from_caller(&Caller { account, kind }),
            facts: &facts,
            encryption_context: None,
        };
        let policies = Policies { resource: Some(&resource), grants: &[grant], ..Policies::default() };
        let found = explain(&request, &policies);

        assert_eq!((found.decision.effect, found.decision.by), (Effect::ImplicitDeny, Source::Resource));
        assert_eq!(found.grants, [GrantTrace { id: "g1".into(), reach: Err(GrantMismatch::Operation) }]);
        let [document] = &found.documents[..] else { panic!("one document") };
        let [other, everyone] = &document.statements[..] else { panic!("two statements") };
        assert_eq!((document.name.as_str(), other.sid.as_deref()), ("key policy", Some("Other")));
        assert!(!other.applies && !other.action && other.resource);
        assert_eq!((other.principal, everyone.principal), (Some(MatchKinds::NONE), Some(MatchKinds::ANY)));
        let [via, secure] = &everyone.conditions[..] else { panic!("two conditions") };
        assert_eq!(
            (via.operator.as_str(), via.key.as_str(), &via.request, via.holds),
            ("StringLike", "kms:viaService", &None, false)
        );
        assert_eq!(
            (&secure.values[..], &secure.request, secure.holds),
            (&["true".to_owned()][..], &Some(vec!["true".to_owned()]), true)
        );
    }
}
