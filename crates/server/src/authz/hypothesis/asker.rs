//! Somebody who might call: found by a name, with the session and the services that are supposed.
//!
//! Not here: what is decided. Invariants: whoever is found here is in the records; what is said of a session must be
//! what a session of that kind can have, so that nothing is explained that could never be called.

use std::{collections::BTreeSet, sync::Arc};

use kanuki_policy::{Policies, Principal};
use kanuki_types::{AccountId, Arn, Caller, CallerKind, Region, Timestamp, UniqueId};

use super::{SupposedSession, SupposedToken, printable};
use crate::{
    authn::{ServicePrincipal, Source, Standpoint, StandpointSession},
    authz::{
        grants::{CallersGrants, grants_of, names_of},
        policies_of,
    },
    error::{ApiError, ErrorCode},
    identity::{
        Identity, PolicyArn, PrincipalEntry, PrincipalKind, PrincipalName, SessionClaims, SessionKind, SessionPolicies,
        WebFacts,
    },
    keys::{KeyEntry, Keys},
};

/// Where and when somebody might call.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The account that stands for services, which belong to none.
    pub(crate) account: AccountId,
    /// The Region of the call.
    pub(crate) region: Region,
    /// The moment.
    pub(crate) now: Timestamp,
}

/// Somebody who might call, with everything that is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    standpoint: Standpoint,
    unstated: Vec<&'static str>,
}

impl Asker {
    /// The principal with that ARN: a user, a role (as a session of it), a session, an account's root, the bearer of an
    /// identity provider's token; or a service by its name.
    ///
    /// # Errors
    /// If there is no such principal, if it cannot have that session or token, or if the store fails.
    pub(crate) async fn find(
        identity: &Identity,
        text: &str,
        session: Option<&SupposedSession>,
        token: Option<&SupposedToken>,
        home: &Home,
    ) -> Result<Self, ApiError> {
        let unknown = || unknown(text);
        let Ok(arn) = text.parse::<Arn>() else {
            let service = text.parse::<ServicePrincipal>().map_err(|_| unknown())?;
            refuse_session(session.is_some() || token.is_some(), "a service")?;
            return Ok(Self::service(service, None, home));
        };
        let account = arn.account.parse::<AccountId>().map_err(|_| unknown())?;
        if let Some(host) = arn.resource.strip_prefix("oidc-provider/").filter(|_| arn.service == "iam") {
            refuse_session(session.is_some(), "the bearer of a token")?;
            let provider = identity.oidc_provider(account, host).await?.ok_or_else(unknown)?;
            return Ok(Self::bearer(account, facts_of(provider.arn(), token), home));
        }
        if arn.service == "sts" && arn.resource.starts_with("federated-user/") {
            return Err(ApiError::validation(FEDERATED_USER));
        }
        let base = match identity.resolve_principal(text).await? {
            PrincipalName::Account => Base::Root(account),
            PrincipalName::Entity(id) => {
                let entry = identity.principal(account, &id).await?.ok_or_else(unknown)?;
                let named = arn.resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
                Base::Entity(entry, named.map(|(_, session)| session.to_owned()))
            }
            PrincipalName::Unknown => return Err(unknown()),
        };
        base.with(identity, session, token, home).await
    }

    /// A user; or a session of a role, by name or as any other would be.
    pub(crate) fn entity(entry: Arc<PrincipalEntry>, session: Option<&str>, home: &Home) -> Self {
        let unstated = if entry.record().kind == PrincipalKind::Role && session.is_none() { ANY } else { &[] };
        let caller = match entry.record().kind {
            PrincipalKind::User => entry.as_user(),
            PrincipalKind::Role => {
                let session_name = session.unwrap_or(ANY_SESSION).to_owned();
                entry.as_session(&claims(entry.account(), Some(&entry), SessionKind::Role { session_name }, home.now))
            }
        };
        let standpoint = Standpoint::direct(caller, Some(entry), home.region.clone());
        Self { standpoint, unstated: unstated.to_vec() }
    }

    /// The root of an account.
    pub(crate) fn root(account: AccountId, home: &Home) -> Self {
        let caller = Caller { account, kind: CallerKind::Root };
        Self { standpoint: Standpoint::direct(caller, None, home.region.clone()), unstated: Vec::new() }
    }

    /// A service, which calls by itself for whatever is given. It belongs to no account.
    pub(crate) fn service(service: ServicePrincipal, source: Option<Source>, home: &Home) -> Self {
        let unstated = if source.is_none() { vec!["aws:sourceaccount"] } else { Vec::new() };
        let source = source.unwrap_or(Source { account: home.account, arn: None });
        Self { standpoint: Standpoint::of_service(service, source, home.region.clone()), unstated }
    }

    /// A federated session by its name, of whichever user makes it: what a policy gives to the session's own ARN.
    pub(crate) fn federated(account: AccountId, name: &str, home: &Home) -> Self {
        let nobody = UniqueId::new("");
        let kind = CallerKind::FederatedUser { name: name.to_owned(), user_arn: String::new(), user_id: nobody };
        let caller = Caller { account, kind };
        Self { standpoint: Standpoint::direct(caller, None, home.region.clone()), unstated: Vec::new() }
    }

    fn bearer(account: AccountId, web: WebFacts, home: &Home) -> Self {
        let kind = CallerKind::WebIdentity {
            provider_arn: web.provider_arn.clone(),
            audience: web.audience.clone(),
            subject: web.subject.clone(),
        };
        let standpoint = Standpoint::direct(Caller { account, kind }, None, home.region.clone()).with_web(web);
        Self { standpoint, unstated: Vec::new() }
    }

    /// The same, for whom services call, one through the other.
    ///
    /// # Errors
    /// If one of the names is no service's, if there are too many, or if a service calls by itself.
    pub(crate) fn through(mut self, services: &[String]) -> Result<Self, ApiError> {
        for name in services {
            let service = name
                .parse::<ServicePrincipal>()
                .map_err(|error| ApiError::validation(format!("`{}` is no service: {error}", printable(name))))?;
            self.standpoint = self.standpoint.through(service)?;
        }
        Ok(self)
    }

    /// The same, for a resource for which a service calls by itself.
    ///
    /// # Errors
    /// If it is no service.
    pub(crate) fn on_behalf_of(self, source: Source, home: &Home) -> Result<Self, ApiError> {
        match self.standpoint.own_call() {
            Some((service, _)) => Ok(Self::service(service.clone(), Some(source), home)),
            None => Err(ApiError::validation("only a service calls on behalf of a resource")),
        }
    }

    /// The same in another Region.
    pub(crate) fn in_region(self, region: &Region) -> Self {
        Self { standpoint: self.standpoint.in_region(region.clone()), ..self }
    }

    /// Where it stands.
    pub(crate) fn standpoint(&self) -> &Standpoint {
        &self.standpoint
    }

    /// Condition keys that it has in a real call, and that are not known of it.
    pub(crate) fn unstated(&self) -> &[&'static str] {
        &self.unstated
    }

    /// Who it is, as policies name it.
    pub(crate) fn principal(&self) -> &Principal {
        self.standpoint.principal()
    }

    /// The user or role; none for the root of an account and for whom nothing is stored of.
    pub(crate) fn entry(&self) -> Option<&PrincipalEntry> {
        self.standpoint.identity()
    }

    /// Its ARN: of a role the role's, of a session the session's.
    pub(crate) fn arn(&self) -> String {
        let caller = self.standpoint.caller();
        if self.is_any_session() { caller.principal_arn() } else { caller.arn() }
    }

    /// Its account; none for a service.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.principal().account()
    }

    /// Whether it stands for every session of its role.
    pub(crate) fn is_any_session(&self) -> bool {
        matches!(&self.standpoint.caller().kind, CallerKind::AssumedRole { session, .. } if session == ANY_SESSION)
    }

    /// Whether it is the root of an account.
    pub(crate) fn is_root(&self) -> bool {
        self.standpoint.caller().kind == CallerKind::Root
    }

    /// Whether it is a session that brings what its maker chose, any or one.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.standpoint.caller().kind, CallerKind::AssumedRole { .. } | CallerKind::FederatedUser { .. })
    }

    /// The policies on its side.
    pub(crate) fn policies(&self) -> Policies<'_> {
        policies_of(&self.standpoint)
    }

    /// Where it stands in the indexes of grants, under each of its names.
    pub(super) fn places(&self) -> Vec<String> {
        names_of(self.standpoint.caller()).into_iter().map(|(place, ..)| place).collect()
    }

    /// Its grants on a key, under each of its names.
    pub(super) async fn grants(&self, keys: &Keys, key: &KeyEntry) -> Result<Vec<CallersGrants>, ApiError> {
        grants_of(keys.held(), &self.standpoint, key).await
    }
}

/// Whom a name stands for.
enum Base {
    /// A user, a role, or a session of it by its name.
    Entity(Arc<PrincipalEntry>, Option<String>),
    /// The root of an account.
    Root(AccountId),
}

impl Base {
    /// With a session, which a role always has.
    async fn with(
        self,
        identity: &Identity,
        session: Option<&SupposedSession>,
        token: Option<&SupposedToken>,
        home: &Home,
    ) -> Result<Asker, ApiError> {
        let none = SupposedSession::default();
        let given = session.unwrap_or(&none);
        let is_role = matches!(&self, Self::Entity(entry, _) if entry.record().kind == PrincipalKind::Role);
        if !is_role {
            refuse(token.is_some(), "only a role's session is made with the token of an identity provider")?;
            refuse(given.name.is_some(), "only a role has sessions with a name: --as-federated-user is for users")?;
            refuse(given.source_identity.is_some(), "only a role's session has a source identity")?;
        }
        let asker = match &self {
            Self::Root(account) => Asker::root(*account, home),
            Self::Entity(entry, named) => {
                let name = given.name.as_deref().or(named.as_deref());
                refuse(given.name.is_some() && named.is_some(), "the principal is a session that has a name already")?;
                if let Some(name) = name.filter(|name| !is_session_name(name)) {
                    let sentence = format!("`{}` is no name of a session", printable(name));
                    return Err(ApiError::validation(sentence));
                }
                Asker::entity(Arc::clone(entry), name, home)
            }
        };
        let kind = self.kind_of_session(&asker, given)?;
        if kind == SessionKind::User {
            let limited = given.policy.is_some() || !given.policy_arns.is_empty() || !given.tags.is_empty();
            refuse(limited, "a session by GetSessionToken takes no policies and no tags")?;
            // Long-term credentials.
            if session.is_none() {
                return Ok(asker);
            }
        }
        let claims = self.claims(identity, given, token, kind, home).await?;
        let inline = claims.inline_policy().map_err(|malformed| ApiError::validation(malformed.message))?;
        claims.packed_percent()?;
        let policies = identity.session_policies(&claims, &inline).await?;
        let policies = policies.ok_or_else(|| ApiError::validation("a session policy is gone"))?;
        let standpoint = match &self {
            Self::Entity(entry, _) => {
                let caller = entry.as_session(&claims);
                Standpoint::direct(caller, Some(Arc::clone(entry)), home.region.clone())
            }
            Self::Root(_) => asker.standpoint.clone(),
        };
        let standpoint = standpoint.with_session(StandpointSession { claims: claims.into(), policies });
        Ok(Asker { standpoint, ..asker })
    }

    fn kind_of_session(&self, asker: &Asker, given: &SupposedSession) -> Result<SessionKind, ApiError> {
        match (&asker.standpoint.caller().kind, &given.federated_user) {
            (CallerKind::AssumedRole { session, .. }, None) => Ok(SessionKind::Role { session_name: session.clone() }),
            (CallerKind::User { .. }, Some(name)) if is_session_name(name) => {
                Ok(SessionKind::Federated { name: name.clone() })
            }
            (CallerKind::User { .. } | CallerKind::Root, None) => Ok(SessionKind::User),
            _ => Err(ApiError::validation("only a user makes federated sessions, and each has a name")),
        }
    }

    async fn claims(
        &self,
        identity: &Identity,
        given: &SupposedSession,
        token: Option<&SupposedToken>,
        kind: SessionKind,
        home: &Home,
    ) -> Result<SessionClaims, ApiError> {
        let (account, entry) = match self {
            Self::Entity(entry, _) => (entry.account(), Some(entry)),
            Self::Root(account) => (*account, None),
        };
        let before = |seconds: Option<u32>| home.now.plus_seconds(-i64::from(seconds.unwrap_or_default()));
        let web = match token {
            Some(token) => {
                let provider = token.provider.as_deref().unwrap_or_default();
                let host = provider.split_once(":oidc-provider/").map_or("", |(_, host)| host);
                let known = identity.oidc_provider(account, host).await?.filter(|known| known.arn() == provider);
                Some(facts_of(known.ok_or_else(|| unknown(provider))?.arn(), Some(token)))
            }
            None => None,
        };
        Ok(SessionClaims {
            mfa: given.mfa_age_seconds.map(|age| before(Some(age))),
            policies: session_policies(identity, account, given).await?,
            tags: given.tags.clone(),
            source_identity: given.source_identity.clone(),
            web,
            ..claims(account, entry, kind, before(given.age_seconds.or(given.mfa_age_seconds)))
        })
    }
}

/// The policies as a session's claims hold them; none if none are given.
async fn session_policies(
    identity: &Identity,
    account: AccountId,
    given: &SupposedSession,
) -> Result<Option<SessionPolicies>, ApiError> {
    if given.policy.is_none() && given.policy_arns.is_empty() {
        return Ok(None);
    }
    let mut managed = Vec::new();
    for arn in &given.policy_arns {
        let policy = match PolicyArn::parse(arn) {
            Some(parsed) => identity.policy_by_arn(account, &parsed).await?,
            None => None,
        };
        managed.push(policy.ok_or_else(|| unknown_policy(arn))?.reference());
    }
    Ok(Some(SessionPolicies { inline: given.policy.clone(), managed }))
}

/// The claims of a session that was given nothing.
fn claims(
    account: AccountId,
    entry: Option<&Arc<PrincipalEntry>>,
    kind: SessionKind,
    issued: Timestamp,
) -> SessionClaims {
    SessionClaims {
        account,
        principal: entry.map(|entry| entry.id().clone()),
        kind,
        issued,
        expires: issued,
        mfa: None,
        source_access_key: None,
        policies: None,
        tags: Default::default(),
        transitive: BTreeSet::new(),
        source_identity: None,
        web: None,
    }
}

fn facts_of(provider_arn: String, token: Option<&SupposedToken>) -> WebFacts {
    let token = token.cloned().unwrap_or_default();
    WebFacts { provider_arn, audience: token.audience, subject: token.subject, methods: token.methods }
}

fn refuse(wrong: bool, sentence: &str) -> Result<(), ApiError> {
    if wrong { Err(ApiError::validation(sentence)) } else { Ok(()) }
}

fn refuse_session(wrong: bool, who: &str) -> Result<(), ApiError> {
    refuse(wrong, &format!("{who} has no session"))
}

fn unknown(text: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no principal `{}`", printable(text)))
}

fn unknown_policy(arn: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no policy `{}` that a session can have", printable(arn)))
}

/// Rule: `RoleSessionName` of AssumeRole.
fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// The name of a session that stands for every session without a name of its own in a policy: no real session has it.
const ANY_SESSION: &str = "*";
/// What is not known of any session.
const ANY: &[&str] = &["aws:userid"];
const FEDERATED_USER: &str = "a federated session has the policies of the user who made it: give that user's ARN as the \
                              principal, and the session's name with --as-federated-user";
