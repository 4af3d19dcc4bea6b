//! What somebody may do with a key: in any case, or at best, and through what.
//!
//! Not here: who there is, and operations on aliases, which need a right on the alias too. Invariants: each answer is the engine's, asked twice: with all that is not known of a future
//! call in the caller's favour, and against it; nothing is said to be allowed in any case that a condition may refuse.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kanuki_policy::{
    Assumption, DocumentTrace, Effect, Explanation, GrantView, Knowledge, MatchKinds, NamedDocument, Policies,
    PolicyKind, Request, ResourceKind, StatementEffect, StatementTrace, WrittenCondition, decide, explain,
};
use kanuki_types::{AccountId, KeyUsage, Timestamp};
use serde::Serialize;

use super::{
    Asker, circumstances,
    gain::{Gain, gains},
};
use crate::{
    authz::{Access, Circumstances, Demand, facts::CallFacts, grants::CallersGrants},
    error::ApiError,
    identity::Identity,
    keys::{GrantEntry, GrantOperation, KeyEntry, Keys},
};

/// Everything that somebody may do with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    /// Its ARN; for a role that of the role; for a service its name.
    pub(crate) principal: String,
    /// Its account; none for a service.
    pub(crate) account: Option<AccountId>,
    /// Whether it stands for every session of its role.
    pub(crate) any_session: bool,
    /// Whether it is the root of an account to which the key policy leaves something: whoever the account's own
    /// identity policies allow has that too, if it is the key's account with no more, else as far as both allow.
    pub(crate) whole_account: bool,
    /// Whether it may both use and administer the key; reading its public half is no use.
    pub(crate) uses_and_administers: bool,
    /// What it may.
    pub(crate) rights: Vec<Right>,
    /// How it could come to use the key although it may not.
    pub(crate) could_gain: Vec<Gain>,
}

/// Rights that come through the same documents and grants under the same conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Right {
    /// `use`, `administer`, `view`, or `retire` (grants).
    pub(crate) kind: &'static str,
    /// The operations.
    pub(crate) operations: Vec<&'static str>,
    /// How it comes.
    #[serde(flatten)]
    pub(crate) reason: Reason,
}

/// How a right comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reason {
    /// Whether no condition on the call can refuse it.
    pub(crate) in_any_case: bool,
    /// Statements and grants that allow.
    pub(crate) through: Vec<String>,
    /// Conditions on the call under which they allow.
    pub(crate) only_if: Vec<String>,
    /// Conditions on the call under which a statement denies.
    pub(crate) unless: Vec<String>,
}

/// Everything that somebody may do with a key; none if it may do nothing and could gain nothing.
///
/// # Errors
/// If the store fails.
pub(crate) async fn standing(
    (keys, identity): (&Keys, &Identity),
    asker: Asker,
    key: &Arc<KeyEntry>,
    now: Timestamp,
) -> Result<Option<Standing>, ApiError> {
    // A key is used in its own Region.
    let asker = asker.in_region(&key.arn().region);
    let grants = AskersGrants(asker.grants(keys, key).await?);
    let retirable = keys.retirable_of_key(key.arn(), &asker.places(), RETIRABLE_MAX).await?;
    let knowledge = Known::of(&asker, key);
    let view = View::new(&asker, key, &grants, &knowledge, now);
    let mut rights: Vec<Right> = Vec::new();
    let mut whole_account = false;
    for (kind, operation) in operations(key.record().usage) {
        let Some((reason, by_account)) = view.right(operation) else { continue };
        whole_account |= by_account;
        match rights.iter_mut().find(|other| other.kind == kind && other.reason == reason) {
            Some(known) => known.operations.push(operation),
            None => rights.push(Right { kind, operations: vec![operation], reason }),
        }
    }
    rights.extend(view.retiring(&retirable));
    let could_gain = gains(identity, &view, &rights).await?;
    // The public half of a key is no secret: who reads it does not use the key.
    let counts = |right: &Right| right.operations.iter().any(|operation| *operation != "GetPublicKey");
    let has = |kind: &str| rights.iter().any(|right| right.kind == kind && counts(right));
    let standing = Standing {
        principal: asker.arn(),
        account: asker.account(),
        any_session: asker.is_any_session(),
        whole_account: whole_account && asker.is_root(),
        uses_and_administers: has("use") && has("administer"),
        rights,
        could_gain,
    };
    Ok((!standing.rights.is_empty() || !standing.could_gain.is_empty()).then_some(standing))
}

/// The grants of one key to one principal, under each of its names.
pub(super) struct AskersGrants(Vec<CallersGrants>);

impl AskersGrants {
    /// All of them, as if every constraint held.
    fn at_best(&self) -> Vec<GrantView<'_>> {
        let none = |view| GrantView { encryption_context_equals: None, encryption_context_subset: None, ..view };
        self.each().map(|(_, view)| none(view)).collect()
    }

    /// Those without a constraint.
    fn in_any_case(&self) -> Vec<GrantView<'_>> {
        let free = self.each().filter(|(grant, _)| grant.record().terms.constraints.is_empty());
        free.map(|(_, view)| view).collect()
    }

    fn each(&self) -> impl Iterator<Item = (&GrantEntry, GrantView<'_>)> {
        self.0.iter().flat_map(|held| {
            let CallersGrants { grants, grantee, grantee_id } = held;
            grants.iter().map(move |grant| (grant, grant.view(grantee, grantee_id.as_ref())))
        })
    }

    /// The constraint of a grant in words; empty if there is none.
    fn constraint_text(&self, id: &str) -> String {
        self.each().find(|(_, view)| view.id == id).map(|(grant, _)| constraint_text(grant)).unwrap_or_default()
    }
}

fn constraint_text(grant: &GrantEntry) -> String {
    let constraints = &grant.record().terms.constraints;
    let pairs = |pairs: &BTreeMap<String, String>| {
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    let mut texts = Vec::new();
    if !constraints.equals.is_empty() {
        texts.push(format!("encryption context is {}", pairs(&constraints.equals)));
    }
    if !constraints.subset.is_empty() {
        texts.push(format!("encryption context holds {}", pairs(&constraints.subset)));
    }
    texts.extend(constraints.source_arn.iter().map(|arn| format!("on behalf of {arn}")));
    if texts.is_empty() { String::new() } else { format!(" (if {})", texts.join(" and ")) }
}

/// One asker before one key, with the documents under both assumptions.
pub(super) struct View<'a> {
    pub(super) asker: &'a Asker,
    pub(super) key: &'a Arc<KeyEntry>,
    pub(super) circumstances: Circumstances,
    knowledge: &'a Known,
    pub(super) at_best: Side,
    in_any_case: Side,
    grants: &'a AskersGrants,
}

/// The documents under one assumption.
pub(super) struct Side {
    pub(super) identity: Vec<NamedDocument>,
    pub(super) boundary: Option<NamedDocument>,
    resource: NamedDocument,
}

impl Side {
    fn new(asker: &Asker, key: &KeyEntry, knowledge: &Known, assumption: Assumption) -> Self {
        let assume = |named: &NamedDocument| NamedDocument {
            name: named.name.clone(),
            document: named.document.assuming(knowledge, assumption).into(),
        };
        let policies = asker.policies();
        Self {
            identity: policies.identity.iter().map(assume).collect(),
            boundary: policies.boundary.map(assume),
            resource: assume(key.policy()),
        }
    }

    /// Before the key.
    pub(super) fn policies<'a>(&'a self, grants: &'a [GrantView<'a>]) -> Policies<'a> {
        Policies { resource: Some(&self.resource), grants, ..self.own() }
    }

    /// Before what has no policy of its own.
    fn own(&self) -> Policies<'_> {
        Policies { identity: &self.identity, boundary: self.boundary.as_ref(), ..Policies::default() }
    }
}

impl<'a> View<'a> {
    fn new(
        asker: &'a Asker,
        key: &'a Arc<KeyEntry>,
        grants: &'a AskersGrants,
        knowledge: &'a Known,
        now: Timestamp,
    ) -> Self {
        Self {
            asker,
            key,
            circumstances: circumstances(now, None),
            knowledge,
            at_best: Side::new(asker, key, knowledge, Assumption::AtBest),
            in_any_case: Side::new(asker, key, knowledge, Assumption::InAnyCase),
            grants,
        }
    }

    /// Asks about an operation on the key.
    pub(super) fn with_request<T>(&self, operation: &str, ask: impl FnOnce(&Request<'_>) -> T) -> T {
        let access = Access::Key { entry: Arc::clone(self.key), alias: None };
        let demand = Demand::supposed(format!("kms:{operation}"), access);
        ask(&Request {
            action: &demand.action,
            resource: self.key.arn_text(),
            resource_kind: ResourceKind::KmsKey,
            resource_account: self.key.arn().account,
            principal: self.asker.principal(),
            facts: &self.call(&demand),
            encryption_context: None,
        })
    }

    fn call<'d>(&'d self, demand: &'d Demand) -> CallFacts<'d> {
        CallFacts { caller: self.asker.standpoint(), circumstances: &self.circumstances, demand, supposed: None }
    }

    /// How an operation comes, and whether through a statement that leaves it to the account.
    fn right(&self, operation: &'static str) -> Option<(Reason, bool)> {
        self.with_request(operation, |request| {
            let all = self.grants.at_best();
            let explanation = explain(request, &self.at_best.policies(&all));
            if explanation.decision.effect != Effect::Allow {
                return None;
            }
            let free = self.grants.in_any_case();
            let mut reason = Reason {
                in_any_case: decide(request, &self.in_any_case.policies(&free)).effect == Effect::Allow,
                through: self.through_grants(&explanation),
                only_if: Vec::new(),
                unless: self.unless(request, &self.in_any_case.policies(&[])),
            };
            self.through_statements(&explanation, &mut reason);
            let by_account = explanation
                .documents
                .iter()
                .any(|trace| trace.kind == PolicyKind::Resource && trace.statements.iter().any(allows_an_account));
            Some((reason, by_account))
        })
    }

    /// How an action of IAM on an entity comes, whose condition keys are not looked at.
    pub(super) fn iam_right(&self, demand: &Demand, arn: &str) -> Option<Reason> {
        let account = self.asker.account()?;
        let request = Request {
            action: &demand.action,
            resource: arn,
            resource_kind: ResourceKind::Iam,
            resource_account: account,
            principal: self.asker.principal(),
            facts: &self.call(demand),
            encryption_context: None,
        };
        let explanation = explain(&request, &self.at_best.own());
        if explanation.decision.effect != Effect::Allow {
            return None;
        }
        let mut reason = Reason {
            in_any_case: decide(&request, &self.in_any_case.own()).effect == Effect::Allow,
            through: Vec::new(),
            only_if: Vec::new(),
            unless: self.unless(&request, &self.in_any_case.own()),
        };
        self.say(&explanation, &mut reason, |trace, _| trace.kind == PolicyKind::Identity);
        Some(reason)
    }

    /// The grants that it may retire: because they name it for that, or give it RetireGrant.
    fn retiring(&self, retirable: &[GrantEntry]) -> Option<Right> {
        let retire = GrantOperation::RetireGrant.as_str();
        let operations = [retire.to_owned()];
        let gives = |grant: &GrantEntry| grant.record().terms.operations.contains(&GrantOperation::RetireGrant);
        let named = retirable.iter().map(|grant| format!("grant {}, which names it for that", grant.id()));
        let given = self.grants.each().filter(|(grant, _)| gives(grant));
        let given = given.map(|(grant, view)| format!("grant {}{}, which it holds", view.id, constraint_text(grant)));
        let through: Vec<String> = named.chain(given).take(RETIRABLE_MAX).collect();
        let view = GrantView {
            id: "",
            grantee: self.asker.principal().arn(),
            grantee_id: None,
            operations: &operations,
            encryption_context_equals: None,
            encryption_context_subset: None,
        };
        (!through.is_empty()).then_some(())?;
        let (reason, allowed) = self.with_request(retire, |request| {
            let is_allow = |side: &Side| decide(request, &side.policies(&[view])).effect == Effect::Allow;
            let unless = self.unless(request, &self.in_any_case.policies(&[]));
            let in_any_case = is_allow(&self.in_any_case);
            (Reason { in_any_case, through, only_if: Vec::new(), unless }, is_allow(&self.at_best))
        });
        allowed.then_some(Right { kind: "retire", operations: vec![retire], reason })
    }

    /// Names the statements that give the right. What the key policy leaves to an account gives nothing without an
    /// identity policy (or the root's power), and an identity policy nothing without the key policy.
    fn through_statements(&self, explanation: &Explanation, reason: &mut Reason) {
        let home = self.asker.account() == Some(self.key.arn().account);
        let allows = |kind: PolicyKind, and: &dyn Fn(&StatementTrace) -> bool| {
            let traces = explanation.documents.iter().filter(|trace| trace.kind == kind);
            traces.flat_map(|trace| &trace.statements).any(|it| is_allow(it) && and(it))
        };
        let by_identity = allows(PolicyKind::Identity, &|_| true);
        let to_account = allows(PolicyKind::Resource, &|statement| !home || allows_an_account(statement));
        self.say(explanation, reason, |trace, statement| match trace.kind {
            PolicyKind::Resource => {
                statement.principal != Some(MatchKinds::ACCOUNT) || by_identity || self.asker.is_root()
            }
            PolicyKind::Identity => to_account,
            _ => false,
        });
    }

    /// Names the statements that allow and give, and the conditions that are not known of them and of the boundary.
    fn say(
        &self,
        explanation: &Explanation,
        reason: &mut Reason,
        gives: impl Fn(&DocumentTrace, &StatementTrace) -> bool,
    ) {
        let mut only_if = BTreeSet::new();
        for (document, trace) in self.documents(&explanation.documents) {
            for statement in trace.statements.iter().filter(|it| is_allow(it)) {
                let gives = gives(trace, statement);
                if gives {
                    reason.through.push(statement_text(trace, statement.index, statement.sid.as_deref()));
                }
                if gives || trace.kind == PolicyKind::Boundary {
                    let conditions = document.document.unknown_conditions(statement.index, self.knowledge);
                    only_if.extend(conditions.map(condition_text));
                }
            }
        }
        if !reason.in_any_case {
            reason.only_if = only_if.into_iter().collect();
        }
    }

    fn through_grants(&self, explanation: &Explanation) -> Vec<String> {
        let usable = explanation.grants.iter().filter(|grant| grant.reach.is_ok());
        usable.map(|grant| format!("grant {}{}", grant.id, self.grants.constraint_text(&grant.id))).collect()
    }

    /// Denies that apply if a condition on the call holds: those that apply in any case and not at best.
    fn unless(&self, request: &Request<'_>, in_any_case: &Policies<'_>) -> Vec<String> {
        let explanation = explain(request, in_any_case);
        let mut found = BTreeSet::new();
        for (document, trace) in self.documents(&explanation.documents) {
            for statement in trace.statements.iter().filter(|it| it.applies && it.effect == StatementEffect::Deny) {
                let conditions = document.document.unknown_conditions(statement.index, self.knowledge);
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

fn is_allow(statement: &StatementTrace) -> bool {
    statement.applies && statement.effect == StatementEffect::Allow
}

/// Whether a statement leaves it to the account of whoever asks.
fn allows_an_account(statement: &StatementTrace) -> bool {
    is_allow(statement) && statement.principal.is_some_and(|it| it.contains(MatchKinds::ACCOUNT))
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

/// What is known of every call of one principal on one key.
pub(super) struct Known {
    is_session: bool,
    aliases: Vec<String>,
}

impl Known {
    fn of(asker: &Asker, key: &KeyEntry) -> Self {
        let aliases = key.record().aliases.iter().map(|alias| alias.as_str().to_owned()).collect();
        Self { is_session: asker.is_session(), aliases }
    }
}

impl Knowledge for Known {
    /// Whether a condition key has the same value in each of them. Sessions may bring tags, and have ids of their own.
    fn is_known(&self, key: &str) -> bool {
        let is_tag = key.starts_with("aws:principaltag/");
        let is_own = key == "aws:userid" || is_tag;
        KNOWN.contains(&key) || key.starts_with("aws:resourcetag/") || (is_own && !self.is_session)
    }

    /// A call names the key by one of its aliases, or by none.
    fn values(&self, key: &str) -> Option<&[String]> {
        (key == "kms:requestalias").then_some(&self.aliases)
    }
}

/// The operations on a key of a usage, each with its kind.
pub(super) fn operations(usage: KeyUsage) -> impl Iterator<Item = (&'static str, &'static str)> {
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
/// Most grants that are named as ones that somebody may retire.
const RETIRABLE_MAX: usize = 100;
/// Condition keys that depend on caller and key alone.
const KNOWN: [&str; 15] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
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
