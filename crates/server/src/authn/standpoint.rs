//! Where somebody stands who calls, as decisions see it: principal, policies, session, and the services between.
//!
//! Not here: any proof that somebody stands there; [`Authenticated`](super::Authenticated) is that, and only a proof gets
//! something done. Invariants: a standpoint by itself gives nothing, so that one can be supposed; a chain of services has
//! an end.

use std::sync::Arc;

use kanuki_policy::{NamedDocument, Principal};
use kanuki_types::{Caller, CallerKind, Region};

use super::verify::{SERVICES_IN_CHAIN_MAX, ServicePrincipal, Source, Standing};
use crate::{
    error::ApiError,
    identity::{PrincipalEntry, SessionClaims, WebFacts},
};

/// Who calls, from where, under which policies.
#[derive(Debug, Clone)]
pub struct Standpoint {
    pub(super) caller: Caller,
    pub(super) principal: Arc<Principal>,
    pub(super) identity: Option<Arc<PrincipalEntry>>,
    pub(super) region: Region,
    pub(super) session: Option<StandpointSession>,
    pub(super) standing: Standing,
    pub(super) web: Option<Arc<WebFacts>>,
}

/// What a session token adds to the caller.
#[derive(Debug, Clone)]
pub(crate) struct StandpointSession {
    /// What the token says.
    pub(crate) claims: Arc<SessionClaims>,
    /// The policies that limit the session; none if none were given.
    pub(crate) policies: Option<Arc<[NamedDocument]>>,
}

impl Standpoint {
    /// Of a caller with long-term credentials, or with none of its own.
    pub(crate) fn direct(caller: Caller, identity: Option<Arc<PrincipalEntry>>, region: Region) -> Self {
        Self {
            principal: Arc::new(Principal::from_caller(&caller)),
            caller,
            identity,
            region,
            session: None,
            standing: Standing::Direct,
            web: None,
        }
    }

    /// Of a service that calls by itself.
    pub(crate) fn of_service(service: ServicePrincipal, source: Source, region: Region) -> Self {
        let kind = CallerKind::Service { name: service.name().to_owned() };
        let caller = Caller { account: source.account, kind };
        Self { standing: Standing::Own(Arc::new((service, source))), ..Self::direct(caller, None, region) }
    }

    /// The same way of calling, by the caller as it is found now.
    pub(super) fn renewed(
        &self,
        caller: Caller,
        identity: Option<Arc<PrincipalEntry>>,
        session: Option<StandpointSession>,
    ) -> Self {
        let Self { region, standing, web, .. } = self.clone();
        Self { session, standing, web, ..Self::direct(caller, identity, region) }
    }

    /// The same caller with a session.
    pub(crate) fn with_session(self, session: StandpointSession) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same caller with what an identity provider says of it.
    pub(crate) fn with_web(self, web: WebFacts) -> Self {
        Self { web: Some(Arc::new(web)), ..self }
    }

    /// The same caller in another Region.
    pub(crate) fn in_region(self, region: Region) -> Self {
        Self { region, ..self }
    }

    /// The same caller, for whom a service calls.
    ///
    /// # Errors
    /// If the call has come through too many services, or is a service's own.
    pub(crate) fn through(&self, service: ServicePrincipal) -> Result<Self, ApiError> {
        let before = match &self.standing {
            Standing::Direct => &[][..],
            Standing::For(services) => services,
            Standing::Own(_) => return Err(ApiError::validation("A service calls for a caller, not for a service.")),
        };
        if before.len() >= SERVICES_IN_CHAIN_MAX {
            let message = format!("The call has come through more than {SERVICES_IN_CHAIN_MAX} services.");
            return Err(ApiError::validation(message));
        }
        let services: Vec<ServicePrincipal> = before.iter().cloned().chain([service]).collect();
        Ok(Self { standing: Standing::For(services.into()), ..self.clone() })
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller as policies see it.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The user or role with its policies; none for an account's root.
    #[must_use]
    pub fn identity(&self) -> Option<&PrincipalEntry> {
        self.identity.as_deref()
    }

    /// The Region of the call.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What the session token says; none for long-term keys.
    #[must_use]
    pub fn session(&self) -> Option<&SessionClaims> {
        self.session.as_ref().map(|session| &*session.claims)
    }

    /// The policies that limit the session; none if none were given when it was made.
    #[must_use]
    pub fn session_policies(&self) -> Option<&[NamedDocument]> {
        self.session.as_ref()?.policies.as_deref()
    }

    /// What the identity provider's token says that the caller presents, or with which its session was made.
    #[must_use]
    pub fn web(&self) -> Option<&WebFacts> {
        self.web.as_deref().or_else(|| self.session()?.web.as_ref())
    }

    /// The services through which the call came, in the order in which they called; none for a direct call and for a
    /// service that calls by itself.
    #[must_use]
    pub fn via(&self) -> &[ServicePrincipal] {
        match &self.standing {
            Standing::For(services) => services,
            Standing::Direct | Standing::Own(_) => &[],
        }
    }

    /// The service that calls by itself, and for what.
    #[must_use]
    pub fn own_call(&self) -> Option<&(ServicePrincipal, Source)> {
        match &self.standing {
            Standing::Own(own) => Some(own),
            Standing::Direct | Standing::For(_) => None,
        }
    }

    /// The service that makes the call; none for a direct call.
    #[must_use]
    pub fn made_by(&self) -> Option<&ServicePrincipal> {
        match &self.standing {
            Standing::Direct => None,
            Standing::For(services) => services.last(),
            Standing::Own(own) => Some(&own.0),
        }
    }
}
