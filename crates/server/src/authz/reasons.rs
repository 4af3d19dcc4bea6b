//! What decisions rest on, kept until they can be explained off the answer path.
//!
//! Not here: where explanations are kept. Invariant: an explanation is made from the very documents, grants and facts
//! that the decision was made from, whatever has changed since.

use kanuki_policy::{Effect, explain};

use super::{
    CallersGrants, Circumstances, Look,
    demand::{Access, Demand, GrantUse},
    grants, retirement, with_parts,
};
use crate::{authn::Authenticated, decisions::DemandNote};

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
    caller: Authenticated,
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
        caller: &Authenticated,
        circumstances: &Circumstances,
        demand: Demand,
        grants: Vec<CallersGrants>,
    ) -> Self {
        Self { caller: caller.clone(), circumstances: circumstances.clone(), demand, grants }
    }

    /// The explanation.
    pub(crate) fn note(&self) -> DemandNote {
        let Self { caller, circumstances, demand, grants } = self;
        with_parts(caller, circumstances, demand, (grants, Look::All), |request, policies, _| {
            let mut note = crate::decisions::note_of(request, policies, explain(request, policies));
            for (id, reason) in grants::passed_over(grants, demand, request.facts) {
                note.passed_over(id, reason);
            }
            if let Some(decision) = retirement(caller, request, demand) {
                note.decided_otherwise(decision.effect, RETIREMENT);
            }
            if matches!(demand.access, Access::HiddenKey { .. }) {
                note.decided_otherwise(Effect::ImplicitDeny, "there is no such key");
            }
            if let Some(GrantUse::Retire(grant)) = &demand.grant {
                note.resource = format!("{}, grant {}", note.resource, grant.id());
            }
            note
        })
    }
}

const RETIREMENT: &str = "a grant may be retired by the principal that it names for that, by a grantee whom it gives \
                          RetireGrant, and by whom the identity policies of the account let that made it; the key policy \
                          gives nothing here";
