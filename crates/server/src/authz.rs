//! May the caller do it: gathers policies and facts for every demand of an operation and asks for the decision.
//!
//! Not here: the decision itself (crate `policy`). Invariants: this file alone makes [`Authorized`] and [`Proof`]; each
//! demand of the plan was allowed before.
//!
//! An operation sees its authorization, and cannot make one:
//! ```
//! use kanuki_server::{authz::{Authorized, Proof}, operations::kms::Encrypt};
//! fn look(authorized: &Authorized<Encrypt>) -> &Proof {
//!     authorized.proof()
//! }
//! ```
//! ```compile_fail,E0451
//! use kanuki_server::{authz::{Authorized, Proof}, operations::kms::Encrypt};
//! fn forge() -> Proof {
//!     Proof { keys: Vec::new(), entities: Vec::new(), outside_call: None }
//! }
//! ```
//! ```compile_fail,E0451
//! use kanuki_server::{authz::{Authorized, Proof}, operations::kms::Encrypt};
//! fn forge(real: Authorized<Encrypt>) -> Authorized<Encrypt> {
//!     Authorized { ..real }
//! }
//! ```

mod demand;
mod facts;
mod grants;
mod reasons;
pub(crate) mod hypothesis;
#[cfg(test)]
mod speed;

use std::sync::Arc;

use kanuki_policy::{
    Decision, Document, Effect, NamedDocument, Policies, Request, ResourceKind, ResourceWording, decide,
    hidden_denial_message,
};
use kanuki_types::KeyArn;

pub use demand::{Access, Demand, Demands, EntityAccess, GrantUse, RoleAccess};
pub use facts::Circumstances;

use crate::{
    authn::{Authenticated, Standpoint},
    custom_key_stores::OutsideCall,
    error::{ApiError, ErrorCode},
    keys::{HeldGrants, KeyEntry, Keys},
    operation::{Operation, Plan},
};
use facts::CallFacts;
use grants::{CallersGrants, Look};
pub(crate) use reasons::{Considered, Reasons};

/// An operation's input and targets, handed out only after every demand of its plan was allowed.
pub struct Authorized<O: Operation> {
    caller: Arc<Authenticated>,
    circumstances: Arc<Circumstances>,
    input: O::Input,
    target: O::Target,
    proof: Proof,
    unmade: Vec<Arc<KeyEntry>>,
}

/// The keys and the entities of IAM that may be used. Doors demand it.
#[derive(Debug)]
pub struct Proof {
    keys: Vec<KeyArn>,
    entities: Vec<String>,
    /// Whom a custom key store is told of; only if one of the keys is in one.
    outside_call: Option<OutsideCall>,
}

impl Proof {
    /// Checks that an entity of IAM was authorized.
    ///
    /// # Errors
    /// If it was not, which is a defect of the operation.
    pub(crate) fn covers_entity(&self, arn: &str) -> Result<(), ApiError> {
        if self.entities.iter().any(|authorized| authorized == arn) {
            Ok(())
        } else {
            Err(ApiError::internal("an operation reached for an entity that was not authorized"))
        }
    }

    /// Checks that a key was authorized.
    ///
    /// # Errors
    /// If it was not, which is a defect of the operation.
    pub(crate) fn covers(&self, key: &KeyArn) -> Result<(), ApiError> {
        if self.keys.contains(key) {
            Ok(())
        } else {
            Err(ApiError::internal("an operation reached for a key that was not authorized"))
        }
    }

    /// For whom a custom key store is asked.
    ///
    /// # Errors
    /// If no authorized key is in one, which is a defect of the operation.
    pub(crate) fn outside_call(&self) -> Result<&OutsideCall, ApiError> {
        self.outside_call.as_ref().ok_or_else(|| ApiError::internal("no authorized key is in a custom key store"))
    }
}

impl<O: Operation> std::fmt::Debug for Authorized<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorized").field("operation", &O::DESCRIPTOR.name).finish_non_exhaustive()
    }
}

impl<O: Operation> Authorized<O> {
    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Authenticated {
        &self.caller
    }

    /// Under which circumstances.
    #[must_use]
    pub fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }

    /// What the client sent.
    #[must_use]
    pub fn input(&self) -> &O::Input {
        &self.input
    }

    /// What the names in it stand for.
    #[must_use]
    pub fn target(&self) -> &O::Target {
        &self.target
    }

    /// The proof for the doors.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// AWS managed keys that must be made before the operation can use them.
    pub(crate) fn unmade(&self) -> &[Arc<KeyEntry>] {
        &self.unmade
    }

    /// Gives the input back, to plan again after a conflict.
    pub(crate) fn into_input(self) -> O::Input {
        self.input
    }
}

/// Decides every demand of a plan. What a refusal rests on is put into `reasons`, and what an allow rests on too if it
/// asks for that.
///
/// # Errors
/// `AccessDenied` with the reason of the first demand that is not allowed; or if the store fails.
pub(crate) async fn authorize<O: Operation>(
    keys: &Keys,
    caller: &Arc<Authenticated>,
    circumstances: &Arc<Circumstances>,
    input: O::Input,
    plan: Plan<O::Target>,
    reasons: &mut Reasons,
) -> Result<Authorized<O>, ApiError> {
    let (target, demands) = plan.into_parts();
    let (mut authorized_keys, mut entities, mut unmade) = (Vec::new(), Vec::new(), Vec::new());
    let mut outside_call = None;
    for demand in demands {
        let Decided { refusal, grants } =
            decide_demand(keys.held(), &CallFacts { caller, circumstances, demand: &demand, supposed: None }).await?;
        match &demand.access {
            Access::Key { entry, .. } => {
                authorized_keys.push(entry.arn().clone());
                if entry.record().outside.is_some() {
                    outside_call = Some(outside_call_of::<O>(caller, circumstances));
                }
                unmade.extend(entry.is_unmade().then(|| Arc::clone(entry)));
            }
            Access::Entity(entity) => entities.push(entity.arn.clone()),
            _ => {}
        }
        if refusal.is_some() || reasons.of_allows {
            reasons.considered.push(Considered::new(caller, circumstances, demand, grants));
        }
        if let Some(refusal) = refusal {
            return Err(refusal.error);
        }
    }
    Ok(Authorized {
        caller: Arc::clone(caller),
        circumstances: Arc::clone(circumstances),
        input,
        target,
        proof: Proof { keys: authorized_keys, entities, outside_call },
        unmade,
    })
}

/// What a custom key store is told of a call.
pub(crate) fn outside_call_of<O: Operation>(caller: &Authenticated, circumstances: &Circumstances) -> OutsideCall {
    OutsideCall {
        principal_arn: caller.caller().principal_arn(),
        via_service: caller.via().last().map(|service| service.endpoint(caller.region())),
        operation: O::DESCRIPTOR.name,
        request_id: circumstances.request_id.clone(),
    }
}

/// The answer to one demand, and the grants that were looked at for it.
struct Decided {
    refusal: Option<Refusal>,
    grants: Vec<CallersGrants>,
}

/// Decides by the policies, and where they leave it open by the grants too. A grant only allows, so it changes neither
/// an allow nor an explicit deny, and callers who need none cost no look-up.
async fn decide_demand(held: &HeldGrants, call: &CallFacts<'_>) -> Result<Decided, ApiError> {
    let refusal = decide_with(call, &[]).err();
    if refusal.as_ref().is_none_or(|refusal| !refusal.is_implicit) {
        return Ok(Decided { refusal, grants: Vec::new() });
    }
    let grants = grants::grants_of_caller(held, call.caller, call.demand).await?;
    if grants.is_empty() {
        return Ok(Decided { refusal, grants });
    }
    Ok(Decided { refusal: decide_with(call, &grants).err(), grants })
}

/// Why a demand is not allowed.
struct Refusal {
    error: ApiError,
    /// Whether nothing allows, rather than something denying.
    is_implicit: bool,
}

impl Refusal {
    fn of(decision: &Decision, request: &Request<'_>, wording: ResourceWording<'_>) -> Self {
        let arn = request.principal.arn();
        let message = decision.denial_message(request, arn, wording).unwrap_or_else(|| {
            // The policies alone would have allowed it, but the caller may not even know that there is no such key.
            hidden_denial_message(request.action, arn, matches!(wording, ResourceWording::HiddenCiphertext))
        });
        // Whether a role exists and whom it trusts is not told to those whom it does not trust.
        let is_hidden_role = request.resource_kind == ResourceKind::RoleTrust
            && (decision.effect == Effect::ImplicitDeny
                || request.principal.account() != Some(request.resource_account));
        let message = if is_hidden_role && request.principal.account().is_none() {
            format!("Not authorized to perform {}", request.action)
        } else if is_hidden_role {
            let Request { action, resource, .. } = request;
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource}")
        } else {
            message
        };
        let error = ApiError::new(ErrorCode::AccessDenied, message);
        Self { error, is_implicit: decision.effect == Effect::ImplicitDeny }
    }
}

fn decide_with(call: &CallFacts<'_>, grants: &[CallersGrants]) -> Result<(), Refusal> {
    with_parts(call, (grants, Look::Candidates), |request, policies, wording| {
        let decision = match retirement(call, request) {
            Some(decision) => decision,
            None => decide(request, policies),
        };
        // A key that does not exist is refused whatever the policies say; they were asked for the same work's sake.
        let hidden = matches!(call.demand.access, Access::HiddenKey { .. });
        if decision.effect == Effect::Allow && !hidden { Ok(()) } else { Err(Refusal::of(&decision, request, wording)) }
    })
}

/// The decision on a demand to retire a grant, which rests on the grant rather than on the key policy.
fn retirement(call: &CallFacts<'_>, request: &Request<'_>) -> Option<Decision> {
    match (&call.demand.access, &call.demand.grant) {
        (Access::Key { entry, .. }, Some(GrantUse::Retire(grant))) => {
            Some(grants::decide_retirement(call.caller, request, entry, grant))
        }
        _ => None,
    }
}

/// Puts together what a demand is decided on: the request, the policies, and how a refusal speaks of the resource.
fn with_parts<T>(
    call: &CallFacts<'_>,
    (grants, look): (&[CallersGrants], Look),
    then: impl FnOnce(&Request<'_>, &Policies<'_>, ResourceWording<'_>) -> T,
) -> T {
    let CallFacts { caller, demand, .. } = *call;
    let home = caller.caller().account;
    let (resource, kind, account, policy, wording) = match &demand.access {
        Access::Key { entry, .. } => {
            let foreign = entry.arn().account != home;
            let wording = match (foreign, demand.from_ciphertext) {
                (false, false) => ResourceWording::Named(entry.named()),
                (false, true) => ResourceWording::Ciphertext,
                (true, false) => ResourceWording::Hidden,
                (true, true) => ResourceWording::HiddenCiphertext,
            };
            (entry.arn_text(), ResourceKind::KmsKey, entry.arn().account, Some(entry.policy()), wording)
        }
        Access::HiddenKey { arn, account } => {
            let wording =
                if demand.from_ciphertext { ResourceWording::HiddenCiphertext } else { ResourceWording::Hidden };
            (arn.as_str(), ResourceKind::KmsKey, *account, None, wording)
        }
        Access::Alias { text, account, .. } => {
            (text.as_str(), ResourceKind::Other, *account, None, ResourceWording::Named(text))
        }
        Access::Entity(entity) => {
            let account = entity.account.unwrap_or(home);
            (entity.arn.as_str(), ResourceKind::Iam, account, None, ResourceWording::Named(&entity.arn))
        }
        Access::Any => ("*", ResourceKind::None, home, None, ResourceWording::Star),
        Access::Other { arn, account } => {
            (arn.as_str(), ResourceKind::Other, *account, None, ResourceWording::Named(arn))
        }
        Access::Role(role) => {
            let wording = ResourceWording::Named(&role.arn);
            (role.arn.as_str(), ResourceKind::RoleTrust, role.account, role.trust_policy.as_ref(), wording)
        }
    };
    let policy = call.supposed.and_then(|premises| premises.resource_policy()).or(policy);
    let request = Request {
        action: &demand.action,
        resource,
        resource_kind: kind,
        resource_account: account,
        principal: caller.principal(),
        facts: call,
        encryption_context: demand.encryption_context.as_ref(),
    };
    let views = grants::views(grants, demand, call, look);
    let policies = Policies { resource: policy, grants: &views, ..policies_of(caller) };
    then(&request, &policies, wording)
}

/// The policies on the caller's side: what gives, and what limits it whatever the resource says.
fn policies_of(caller: &Standpoint) -> Policies<'_> {
    let identity = caller.identity();
    Policies {
        identity: identity.map_or(&[], |identity| identity.policies()),
        boundary: identity.and_then(|identity| identity.boundary()),
        session: caller.session_policies(),
        ..Policies::default()
    }
}

/// Whether the caller could put a key policy again under a new one: the lockout check of CreateKey and PutKeyPolicy.
pub(crate) fn keeps_control(
    caller: &Authenticated,
    circumstances: &Circumstances,
    arn: &KeyArn,
    key: Option<&Arc<KeyEntry>>,
    policy: Document,
) -> bool {
    let arn_text = arn.to_string();
    let demand = Demand {
        encryption_context: None,
        region: Some(arn.region.clone()),
        ..match key {
            Some(entry) => Demand::on_key("kms:PutKeyPolicy", entry, None),
            None => Demand::on_any("kms:PutKeyPolicy"),
        }
    };
    let facts = CallFacts { caller, circumstances, demand: &demand, supposed: None };
    let policy = NamedDocument { name: "key policy".into(), document: Arc::new(policy) };
    let request = Request {
        action: "kms:PutKeyPolicy",
        resource: &arn_text,
        resource_kind: ResourceKind::KmsKey,
        resource_account: arn.account,
        principal: caller.principal(),
        facts: &facts,
        encryption_context: None,
    };
    let policies = Policies { resource: Some(&policy), ..policies_of(caller) };
    decide(&request, &policies).effect == Effect::Allow
}
