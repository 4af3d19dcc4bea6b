//! Grants in decisions: which of a key's grants a demand can rest on, and who may retire one.
//!
//! Not here: how a grant is compared with a request (crate `policy`). Invariants: a grant only allows, so it is looked
//! up only where nothing else decides; a grant that is made through a grant gives no more than that one.

use std::collections::BTreeMap;

use kanuki_policy::{Decision, Effect, Fact, Facts, GrantView, Policies, Request, ResourceKind, decide};
use kanuki_types::{Caller, CallerKind, UniqueId};

use super::{
    demand::{Access, Demand, GrantUse},
    policies_of,
};
use crate::{
    authn::Standpoint,
    error::ApiError,
    keys::{GrantEntry, GrantOperation, Held, HeldGrants, KeyEntry, Wanted, session_place},
};

/// The grants of a key that name the caller in one way.
pub(super) struct CallersGrants {
    pub(super) grants: Held,
    /// The caller's ARN of today: a principal that was renamed keeps what its id has.
    pub(super) grantee: String,
    pub(super) grantee_id: Option<UniqueId>,
}

/// Every grant of the demand's key that names the caller. There are none on what is no key, and none that give an
/// operation which a grant cannot give.
///
/// # Errors
/// If the store fails or refuses a record.
pub(super) async fn grants_of_caller(
    held: &HeldGrants,
    caller: &Standpoint,
    demand: &Demand,
) -> Result<Vec<CallersGrants>, ApiError> {
    match &demand.access {
        Access::Key { entry, .. } => grants_of(held, caller, entry).await,
        _ => Ok(Vec::new()),
    }
}

/// Every grant of a key that names a caller.
///
/// # Errors
/// If the store fails or refuses a record.
pub(super) async fn grants_of(
    held: &HeldGrants,
    caller: &Standpoint,
    key: &KeyEntry,
) -> Result<Vec<CallersGrants>, ApiError> {
    let mut found = Vec::new();
    for (place, grantee, grantee_id) in names_of(caller.caller()) {
        let grants = held.get(key.arn(), &place).await?;
        if !grants.is_empty() {
            found.push(CallersGrants { grants, grantee, grantee_id });
        }
    }
    Ok(found)
}

/// The names by which grants can reach a caller: place in the index, ARN, unique id. The narrower one comes first.
pub(super) fn names_of(caller: &Caller) -> Vec<(String, String, Option<UniqueId>)> {
    match &caller.kind {
        CallerKind::AssumedRole { id, session, .. } => vec![
            (session_place(id, session), caller.arn(), Some(id.clone())),
            (id.to_string(), caller.principal_arn(), Some(id.clone())),
        ],
        CallerKind::User { id, .. } => vec![(id.to_string(), caller.arn(), Some(id.clone()))],
        // A federated session has no id of its own: grants name it by its ARN.
        CallerKind::FederatedUser { .. } | CallerKind::Root | CallerKind::Service { .. } => {
            vec![(caller.arn(), caller.arn(), None)]
        }
        CallerKind::WebIdentity { .. } => Vec::new(),
    }
}

/// Which of the caller's grants are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All of them, to explain.
    All,
    /// Those that can change the decision.
    Candidates,
}

/// The grants that the demand can rest on, as the decision sees them.
pub(super) fn views<'a>(
    found: &'a [CallersGrants],
    demand: &Demand,
    facts: &dyn Facts,
    look: Look,
) -> Vec<GrantView<'a>> {
    let mut views = Vec::new();
    for callers in found {
        for grant in looked_at(callers, demand, facts, look) {
            if obstacle(grant, demand, facts).is_none() {
                views.push(grant.view(&callers.grantee, callers.grantee_id.as_ref()));
            }
        }
    }
    views
}

fn looked_at<'a>(callers: &'a CallersGrants, demand: &Demand, facts: &dyn Facts, look: Look) -> Vec<&'a GrantEntry> {
    // What a new grant may give depends on all that its parent gives, by which none is found.
    if look == Look::All || matches!(demand.grant, Some(GrantUse::Make(_))) {
        return callers.grants.iter().collect();
    }
    let Some(operation) = GrantOperation::of_action(&demand.action) else { return Vec::new() };
    let none = BTreeMap::new();
    let source = facts.fact("aws:sourcearn");
    callers.grants.candidates(Wanted {
        operation,
        context: demand.encryption_context.as_ref().map_or(&none, |context| context.pairs()),
        source_arn: match &source {
            Some(Fact::One(arn)) => Some(arn),
            _ => None,
        },
    })
}

/// The grants that name the caller and cannot carry the demand, with the reason.
pub(super) fn passed_over<'a>(
    found: &'a [CallersGrants],
    demand: &'a Demand,
    facts: &'a dyn Facts,
) -> impl Iterator<Item = (String, &'static str)> + 'a {
    let grants = found.iter().flat_map(|callers| callers.grants.iter());
    grants.filter_map(move |grant| Some((grant.id().to_string(), obstacle(grant, demand, facts)?)))
}

/// Why a grant that names the caller cannot carry the demand, whatever the encryption context; none if it can.
fn obstacle(grant: &GrantEntry, demand: &Demand, facts: &dyn Facts) -> Option<&'static str> {
    let operation = demand.action.strip_prefix("kms:").unwrap_or_default();
    if !grant.operations().iter().any(|own| own == operation) {
        return Some("it does not hold the operation");
    }
    if let Some(GrantUse::Make(child)) = &demand.grant
        && !child.are_within(&grant.record().terms)
    {
        return Some("the grant that is to be made would give more than this one");
    }
    (!source_holds(grant, facts)).then_some("the call is not made on behalf of the resource that it is for")
}

/// Whether a call is made on behalf of the resource that the grant is for, if it is for one.
pub(super) fn source_holds(grant: &GrantEntry, facts: &dyn Facts) -> bool {
    match &grant.record().terms.constraints.source_arn {
        Some(wanted) => matches!(facts.fact("aws:sourcearn"), Some(Fact::One(arn)) if arn == *wanted),
        None => true,
    }
}

/// Decides who may retire a grant: the principal that the grant names for it; the grantee, if the grant gives
/// RetireGrant; the account that made the grant, and whom its identity policies let. An explicit deny wins over all of
/// them. The key policy gives nothing here.
///
/// Rule: "Retiring and revoking grants" of the AWS KMS developer guide.
pub(super) fn decide_retirement(
    caller: &Standpoint,
    request: &Request<'_>,
    key: &KeyEntry,
    grant: &GrantEntry,
) -> Decision {
    let own_policies = policies_of(caller);
    let retire = [GrantOperation::RetireGrant.as_str().to_owned()];
    let record = grant.record();
    let gives_it = record.terms.operations.contains(&GrantOperation::RetireGrant) && source_holds(grant, request.facts);
    let names = names_of(caller.caller());
    let views: Vec<GrantView<'_>> = names
        .iter()
        .filter(|(place, ..)| {
            record.retiring.as_ref().is_some_and(|retiring| retiring.place() == *place)
                || (gives_it && record.grantee.place() == *place)
        })
        .map(|(_, arn, id)| GrantView { operations: &retire, ..grant.view(arn, id.as_ref()) })
        .collect();
    let policies = Policies { resource: Some(key.policy()), grants: &views, ..own_policies };
    let decision = decide(request, &policies);
    match decision.effect {
        Effect::ExplicitDeny => return decision,
        Effect::Allow if decision.grant.is_some() => return decision,
        // What the key policy and, by its leave, the identity policies say is of no account.
        Effect::Allow | Effect::ImplicitDeny => {}
    }
    let account = caller.caller().account;
    if account == record.issuing_account {
        let own = Request { resource_kind: ResourceKind::Other, resource_account: account, ..*request };
        return decide(&own, &own_policies);
    }
    decide(request, &Policies::default())
}
