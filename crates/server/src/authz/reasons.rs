//! What decisions rest on, kept until they can be explained off the answer path.
//!
//! Not here: where explanations are kept. Invariant: an explanation is made from the very documents, grants and facts
//! that the decision was made from, whatever has changed since.

use kanuki_policy::{Effect, explain};

use super::{
    CallersGrants, Circumstances, Look,
    demand::{Access, Demand, GrantUse},
    facts::CallFacts,
    grants, retirement, with_parts,
};
use crate::{authn::Standpoint, decisions::DemandNote};

/// What the decisions of one call rest on.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    /// Whether those of allows are wanted too.
    pub(super) of_allows: bool,
    pub(super) considered: Vec<Considered>,
}

impl Reasons {
    /// An empty collection.
    pub(crate) fn new(of_allows: bool) -> Self {
        Self { of_allows, considered: Vec::new() }
    }

    /// What was collected.
    pub(crate) fn take(&mut self) -> Vec<Considered> {
        std::mem::take(&mut self.considered)
    }
}

/// What one decision rests on.
pub(crate) struct Considered {
    caller: Standpoint,
    circumstances: Circumstances,
    demand: Demand,
    grants: Vec<CallersGrants>,
}

impl std::fmt::Debug for Considered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Considered").field("action", &self.demand.action).finish_non_exhaustive()
    }
}

impl Considered {
    pub(super) fn new(
        caller: &Standpoint,
        circumstances: &Circumstances,
        demand: Demand,
        grants: Vec<CallersGrants>,
    ) -> Self {
        Self { caller: caller.clone(), circumstances: circumstances.clone(), demand, grants }
    }

    /// The explanation.
    pub(crate) fn note(&self) -> DemandNote {
        let Self { caller, circumstances, demand, grants } = self;
        note_of_call(&CallFacts { caller, circumstances, demand, supposed: None }, grants)
    }
}

/// The explanation of one demand, which is the same whether the call was made or is supposed.
pub(super) fn note_of_call(call: &CallFacts<'_>, grants: &[CallersGrants]) -> DemandNote {
    with_parts(call, (grants, Look::All), |request, policies, _| {
        let mut note = crate::decisions::note_of(request, policies, explain(request, policies));
        for (id, reason) in grants::passed_over(grants, call.demand, request.facts) {
            note.passed_over(id, reason);
        }
        if let Some(decision) = retirement(call, request) {
            note.decided_otherwise(decision.effect, RETIREMENT);
        }
        if matches!(call.demand.access, Access::HiddenKey { .. }) {
            note.decided_otherwise(Effect::ImplicitDeny, "there is no such key");
        }
        if let Some(GrantUse::Retire(grant)) = &call.demand.grant {
            note.resource = format!("{}, grant {}", note.resource, grant.id());
        }
        note
    })
}

const RETIREMENT: &str = "a grant may be retired by the principal that it names for that, by a grantee whom it gives \
                          RetireGrant, and by whom the identity policies of the account let that made it; the key policy \
                          gives nothing here";
