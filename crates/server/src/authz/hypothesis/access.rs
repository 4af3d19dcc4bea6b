//! What somebody may do with a key: in any case, or at best, and through what.
//!
//! Not here: who there is, and operations on aliases, which need a right on the alias too. Invariants: each answer is the engine's, asked twice: with all that is not known of a future
//! call in the caller's favour, and against it; nothing is said to be allowed in any case that a condition may refuse.

use std::collections::BTreeSet;

use kanuki_policy::{
    Assumption, DocumentTrace, Effect, Explanation, FactMap, GrantView, MatchKinds, NamedDocument, Policies,
    PolicyKind, Request, ResourceKind, StatementEffect, StatementTrace, WrittenCondition, decide, explain,
};
use kanuki_types::KeyUsage;
use serde::Serialize;

use super::{Asker, AskersGrants, key_facts};
use crate::{
    error::ApiError,
    keys::{KeyEntry, Keys},
};

/// Rights that come through the same documents and grants under the same conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Right {
    /// `use`, `administer` or `view`.
    pub(crate) kind: &'static str,
    /// The operations.
    pub(crate) operations: Vec<&'static str>,
    /// Whether no condition on the call can refuse it.
    pub(crate) in_any_case: bool,
    /// Statements and grants that allow.
    pub(crate) through: Vec<String>,
    /// Conditions on the call under which they allow.
    pub(crate) only_if: Vec<String>,
    /// Conditions on the call under which a statement denies.
    pub(crate) unless: Vec<String>,
}

/// Everything that somebody may do with a key; empty if it may do nothing.
///
/// # Errors
/// If the store fails.
pub(crate) async fn rights(keys: &Keys, asker: &Asker, key: &KeyEntry) -> Result<Vec<Right>, ApiError> {
    let grants = asker.grants(keys, key).await?;
    let mut facts = asker.facts();
    key_facts(&mut facts, key);
    let view = View::new(asker, key, &grants, &facts);
    let mut found: Vec<Right> = Vec::new();
    for (kind, operation) in operations(key.record().usage) {
        let Some(right) = view.right(kind, operation) else { continue };
        let same = |other: &&mut Right| {
            (other.kind, other.in_any_case) == (right.kind, right.in_any_case)
                && (&other.through, &other.only_if, &other.unless) == (&right.through, &right.only_if, &right.unless)
        };
        match found.iter_mut().find(same) {
            Some(known) => known.operations.push(operation),
            None => found.push(right),
        }
    }
    Ok(found)
}

/// One asker before one key, with the documents under both assumptions.
struct View<'a> {
    asker: &'a Asker,
    key: &'a KeyEntry,
    facts: &'a FactMap,
    is_known: &'a dyn Fn(&str) -> bool,
    at_best: Side,
    in_any_case: Side,
    grants: &'a AskersGrants,
}

/// The documents under one assumption.
struct Side {
    identity: Vec<NamedDocument>,
    boundary: Option<NamedDocument>,
    resource: NamedDocument,
}

impl Side {
    fn new(asker: &Asker, key: &KeyEntry, is_known: &dyn Fn(&str) -> bool, assumption: Assumption) -> Self {
        let assume = |named: &NamedDocument| NamedDocument {
            name: named.name.clone(),
            document: named.document.assuming(is_known, assumption).into(),
        };
        let policies = asker.policies();
        Self {
            identity: policies.identity.iter().map(assume).collect(),
            boundary: policies.boundary.map(assume),
            resource: assume(key.policy()),
        }
    }

    fn policies<'a>(&'a self, grants: &'a [GrantView<'a>]) -> Policies<'a> {
        Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            resource: Some(&self.resource),
            grants,
            ..Policies::default()
        }
    }
}

impl<'a> View<'a> {
    fn new(asker: &'a Asker, key: &'a KeyEntry, grants: &'a AskersGrants, facts: &'a FactMap) -> Self {
        let is_known: &dyn Fn(&str) -> bool = if asker.is_session() { &is_known_of_sessions } else { &is_known };
        Self {
            asker,
            key,
            facts,
            is_known,
            at_best: Side::new(asker, key, is_known, Assumption::AtBest),
            in_any_case: Side::new(asker, key, is_known, Assumption::InAnyCase),
            grants,
        }
    }

    fn right(&self, kind: &'static str, operation: &'static str) -> Option<Right> {
        let action = format!("kms:{operation}");
        let request = Request {
            action: &action,
            resource: self.key.arn_text(),
            resource_kind: ResourceKind::KmsKey,
            resource_account: self.key.arn().account,
            principal: self.asker.principal(),
            facts: self.facts,
            encryption_context: None,
        };
        let all = self.grants.at_best();
        let explanation = explain(&request, &self.at_best.policies(&all));
        if explanation.decision.effect != Effect::Allow {
            return None;
        }
        let free = self.grants.in_any_case();
        let in_any_case = decide(&request, &self.in_any_case.policies(&free)).effect == Effect::Allow;
        let mut right = Right {
            kind,
            operations: vec![operation],
            in_any_case,
            through: self.through_grants(&explanation),
            only_if: Vec::new(),
            unless: self.unless(&request),
        };
        self.through_statements(&explanation, &mut right);
        Some(right)
    }

    /// Names the statements that give the right. What the key policy leaves to an account gives nothing without an
    /// identity policy (or the root's power), and an identity policy nothing without the key policy.
    fn through_statements(&self, explanation: &Explanation, right: &mut Right) {
        let allows: Vec<_> = self
            .documents(&explanation.documents)
            .flat_map(|(document, trace)| {
                let statements = trace.statements.iter();
                let allows = statements.filter(|it| it.applies && it.effect == StatementEffect::Allow);
                allows.map(move |statement| (document, trace, statement))
            })
            .collect();
        let home = self.asker.account() == Some(self.key.arn().account);
        let is_account = |statement: &StatementTrace| statement.principal == Some(MatchKinds::ACCOUNT);
        let by_identity = allows.iter().any(|(_, trace, _)| trace.kind == PolicyKind::Identity);
        let to_account = allows.iter().any(|(_, trace, statement)| {
            trace.kind == PolicyKind::Resource
                && (!home || statement.principal.is_some_and(|it| it.contains(MatchKinds::ACCOUNT)))
        });
        let mut only_if = BTreeSet::new();
        for (document, trace, statement) in allows {
            let gives = match trace.kind {
                PolicyKind::Resource => !is_account(statement) || by_identity || self.asker.is_root(),
                PolicyKind::Identity => to_account,
                _ => false,
            };
            if gives {
                right.through.push(statement_text(trace, statement.index, statement.sid.as_deref()));
            }
            if gives || trace.kind == PolicyKind::Boundary {
                only_if
                    .extend(document.document.unknown_conditions(statement.index, self.is_known).map(condition_text));
            }
        }
        if !right.in_any_case {
            right.only_if = only_if.into_iter().collect();
        }
    }

    fn through_grants(&self, explanation: &Explanation) -> Vec<String> {
        let usable = explanation.grants.iter().filter(|grant| grant.reach.is_ok());
        usable.map(|grant| format!("grant {}{}", grant.id, self.grants.constraint_text(&grant.id))).collect()
    }

    /// Denies that apply if a condition on the call holds: those that apply in any case and not at best.
    fn unless(&self, request: &Request<'_>) -> Vec<String> {
        let explanation = explain(request, &self.in_any_case.policies(&[]));
        let mut found = BTreeSet::new();
        for (document, trace) in self.documents(&explanation.documents) {
            for statement in trace.statements.iter().filter(|it| it.applies && it.effect == StatementEffect::Deny) {
                let conditions = document.document.unknown_conditions(statement.index, self.is_known);
                let conditions: Vec<String> = conditions.map(condition_text).collect();
                let text = statement_text(trace, statement.index, statement.sid.as_deref());
                found.insert(format!("{}: {text}", conditions.join(" and ")));
            }
        }
        found.into_iter().collect()
    }

    /// The documents as written, each with its trace.
    fn documents<'t>(
        &'t self,
        traces: &'t [DocumentTrace],
    ) -> impl Iterator<Item = (&'t NamedDocument, &'t DocumentTrace)> {
        let Policies { mut identity, boundary, .. } = self.asker.policies();
        traces.iter().filter_map(move |trace| {
            let document = match trace.kind {
                PolicyKind::Resource => self.key.policy(),
                PolicyKind::Boundary => boundary?,
                // Traces of one kind stand in the order of its documents.
                PolicyKind::Identity => {
                    let (first, rest) = identity.split_first()?;
                    identity = rest;
                    first
                }
                PolicyKind::ResourceControl | PolicyKind::ServiceControl | PolicyKind::Session => return None,
            };
            Some((document, trace))
        })
    }
}

fn statement_text(trace: &DocumentTrace, index: usize, sid: Option<&str>) -> String {
    let kind = match trace.kind {
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Identity => "identity policy",
        _ => "",
    };
    let sid = sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
    let space = if kind.is_empty() { "" } else { " " };
    format!("statement {}{sid} of {kind}{space}{}", index + 1, trace.name)
}

fn condition_text(condition: WrittenCondition<'_>) -> String {
    format!("{} {} [{}]", condition.operator, condition.key, condition.values.join(", "))
}

/// Whether a condition key has the same value in every call of one principal on one key.
fn is_known(key: &str) -> bool {
    KNOWN.contains(&key) || key.starts_with("aws:principaltag/") || key.starts_with("aws:resourcetag/")
}

/// The same for a role, whose sessions may bring tags and have ids of their own.
fn is_known_of_sessions(key: &str) -> bool {
    is_known(key) && key != "aws:userid" && !key.starts_with("aws:principaltag/")
}

/// The operations on a key of a usage, each with its kind.
fn operations(usage: KeyUsage) -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_usage: &[&str] = match usage {
        KeyUsage::EncryptDecrypt => ENCRYPTION,
        KeyUsage::SignVerify => &["Sign", "Verify", "GetPublicKey"],
        KeyUsage::GenerateVerifyMac => &["GenerateMac", "VerifyMac"],
        KeyUsage::KeyAgreement => &["DeriveSharedSecret", "GetPublicKey"],
        KeyUsage::EncapsulateDecapsulate => &["Encapsulate", "Decapsulate", "GetPublicKey"],
    };
    let used = of_usage.iter().map(|name| ("use", *name));
    used.chain(ADMINISTRATION.iter().map(|name| ("administer", *name))).chain(VIEWS.iter().map(|name| ("view", *name)))
}

const ENCRYPTION: &[&str] = &[
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
];
const ADMINISTRATION: &[&str] = &[
    "CancelKeyDeletion",
    "CreateGrant",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetParametersForImport",
    "ImportKeyMaterial",
    "PutKeyPolicy",
    "ReplicateKey",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
];
const VIEWS: &[&str] = &[
    "DescribeKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
];
/// Condition keys that depend on caller and key alone.
const KNOWN: [&str; 16] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
    "kms:customermasterkeyspec",
    "kms:customermasterkeyusage",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:resourcealiases",
];
