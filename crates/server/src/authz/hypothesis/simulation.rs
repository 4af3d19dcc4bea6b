//! Simulations: what policies that somebody gives, or that somebody has, would decide on a call.
//!
//! Not here: where the policies come from, and how the answer is written. Invariants: the decision is made by the engine
//! that decides real calls; nothing of the resource is looked up, neither its policy nor its grants, its tags or its
//! existence; a resource policy that is given counts exactly as it would in a real call.
//!
//! Rule: "SimulatePrincipalPolicy" and "SimulateCustomPolicy" of the IAM API reference.

mod asker;
mod resource;

use std::collections::BTreeMap;

use kanuki_policy::{
    AppliedStatement, Effect, FactMap, NamedDocument, Policies, PolicyKind, Request, Source, StatementEffect,
    StatementRef, simulate,
};
use kanuki_types::{AccountId, Timestamp};

pub(crate) use asker::Asker;
pub(crate) use resource::{Place, Resource, ResourcePolicy};

/// Who asks, under which policies and circumstances.
#[derive(Debug)]
pub(crate) struct Simulator {
    /// Who asks.
    pub(crate) asker: Asker,
    /// The identity policies.
    pub(crate) identity: Vec<NamedDocument>,
    /// The permissions boundary.
    pub(crate) boundary: Option<NamedDocument>,
    /// The service control policies, level by level; empty outside of organizations.
    pub(crate) control: Vec<Vec<NamedDocument>>,
    /// The policy of each of the resources.
    pub(crate) resource_policy: Option<ResourcePolicy>,
    /// Whose resources are whose ARN names no account.
    pub(crate) owner: Option<AccountId>,
    /// Condition keys that are given; they stand over those that follow from caller and resource.
    pub(crate) given: FactMap,
    /// The present.
    pub(crate) now: Timestamp,
}

/// What would be decided on one action and one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The answer.
    pub(crate) effect: Effect,
    /// The statements of the identity policies and of the resource policy that deny, if anything is denied explicitly;
    /// else those that allow, also when that is not enough.
    pub(crate) matched: Vec<StatementRef>,
    /// Condition keys that are asked for and not there.
    pub(crate) missing: Vec<String>,
    /// Whether the permissions boundary allows, if there is one.
    pub(crate) boundary: Option<bool>,
    /// Whether the control policies allow, if there are any.
    pub(crate) organizations: Option<bool>,
    /// What each side says by itself, if caller and resource belong to different accounts.
    pub(crate) sides: Option<BTreeMap<Side, Effect>>,
}

/// The sides of a call between accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The permissions boundary.
    Boundary,
    /// The identity policies.
    Identity,
    /// The policy of the resource.
    Resource,
}

impl Simulator {
    /// What would be decided.
    pub(crate) fn verdict(&self, action: &str, resource: &Resource) -> Verdict {
        let home = self.asker.account();
        let Some(account) = resource.account.or(self.owner.filter(|_| resource.place != Place::Nothing)).or(home)
        else {
            return Verdict::nobody();
        };
        let facts = self.facts(action, resource, account);
        let policy = self.resource_policy.as_ref().and_then(|policy| policy.of(resource));
        let text = resource.seen_by(action);
        let request = Request {
            action,
            resource: &text,
            resource_kind: resource.kind(action, policy.is_some()),
            resource_account: account,
            principal: self.asker.principal(),
            facts: &facts,
            encryption_context: None,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            resource: policy,
            service_control: &self.control,
            ..Policies::default()
        };
        let found = simulate(&request, &policies);
        let is_cross = home != Some(account);
        let says = |kind| says(&found.applied, kind);
        let boundary = self.boundary.as_ref().map(|_| says(PolicyKind::Boundary));
        let organizations = (!self.control.is_empty()).then(|| self.is_let_through(&found.applied));
        let by_resource = match found.decision.by {
            // The operation does not work across accounts, whatever the policy says.
            Source::Resource if found.decision.effect == Effect::ImplicitDeny => Effect::ImplicitDeny,
            _ => says(PolicyKind::Resource),
        };
        let sides = (is_cross && organizations != Some(false)).then(|| {
            let identity = (Side::Identity, says(PolicyKind::Identity));
            let boundary = boundary.map(|effect| (Side::Boundary, effect));
            [identity, (Side::Resource, by_resource)].into_iter().chain(boundary).collect()
        });
        Verdict {
            effect: found.decision.effect,
            matched: matched(&found.applied, found.decision.effect),
            missing: found.missing,
            boundary: boundary.map(|effect| effect == Effect::Allow),
            organizations,
            sides,
        }
    }

    fn facts(&self, action: &str, resource: &Resource, account: AccountId) -> FactMap {
        let mut facts = self.asker.facts(action, self.now);
        if resource.place != Place::Nothing {
            facts.insert("aws:ResourceAccount", account.to_string());
        }
        if let Some(region) = &resource.region {
            facts.insert("aws:RequestedRegion", region.as_str());
        }
        facts.insert_all(&self.given);
        facts
    }

    /// Whether every level of the control policies allows and none denies.
    fn is_let_through(&self, applied: &[AppliedStatement]) -> bool {
        let control = || applied.iter().filter(|it| it.at.kind == PolicyKind::ServiceControl);
        let allows = |level| control().any(|it| it.at.level == level && it.effect == StatementEffect::Allow);
        control().all(|it| it.effect == StatementEffect::Allow) && (0..self.control.len()).all(allows)
    }
}

impl Verdict {
    fn nobody() -> Self {
        Self {
            effect: Effect::ImplicitDeny,
            matched: Vec::new(),
            missing: Vec::new(),
            boundary: None,
            organizations: None,
            sides: None,
        }
    }
}

/// What the policies of a kind say by themselves.
fn says(applied: &[AppliedStatement], kind: PolicyKind) -> Effect {
    let has = |effect| applied.iter().any(|it| it.at.kind == kind && it.effect == effect);
    match (has(StatementEffect::Deny), has(StatementEffect::Allow)) {
        (true, _) => Effect::ExplicitDeny,
        (false, true) => Effect::Allow,
        (false, false) => Effect::ImplicitDeny,
    }
}

/// The statements that an answer rests on.
fn matched(applied: &[AppliedStatement], answer: Effect) -> Vec<StatementRef> {
    let wanted = if answer == Effect::ExplicitDeny { StatementEffect::Deny } else { StatementEffect::Allow };
    let is_shown = |it: &&AppliedStatement| matches!(it.at.kind, PolicyKind::Identity | PolicyKind::Resource);
    applied.iter().filter(is_shown).filter(|it| it.effect == wanted).map(|it| it.at).collect()
}

#[cfg(test)]
mod tests;
