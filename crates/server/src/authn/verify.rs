//! Verifies a request's signature and finds the principal behind it.
//!
//! Not here: authorization; tokens of identity providers (`web_identity.rs`). Invariant: this file alone makes [`Authenticated`] of what comes from outside; its child
//! `forwarded` makes it of what a service of this process asks, and `renewal` looks up what a known one may by now.

mod forwarded;
mod renewal;

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kanuki_keeper_protocol::{Client, KeeperError};
use kanuki_policy::{Document, NamedDocument, Principal, Target};
use kanuki_types::{Caller, CallerKind, Clock, Region, SecretBytes};
use quick_cache::sync::Cache;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use forwarded::Standing;
pub use forwarded::{Forwarded, SERVICES_IN_CHAIN_MAX, ServicePrincipal, Source};

use super::{
    canonical::{hex, string_to_sign},
    presented::Presented,
    provider_keys::ProviderKeys,
    signing_keys::SigningKeys,
    web_identity::Bearer,
    web_token::WebToken,
};
use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
    identity::{AccessKeyEntry, Identity, Owner, PrincipalEntry, SessionClaims, TOKEN_CHARS_MAX, WebFacts},
    settings::Settings,
    wire::{Call, Dialect},
};

/// A caller whose signature over the whole request was right.
#[derive(Debug, Clone)]
pub struct Authenticated {
    caller: Caller,
    principal: Arc<Principal>,
    identity: Option<Arc<PrincipalEntry>>,
    access_key_id: String,
    /// The long-term access key that signed, if it was one.
    key: Option<Arc<AccessKeyEntry>>,
    region: Region,
    session: Option<Session>,
    standing: Standing,
    bearer: Option<Arc<Bearer>>,
}

/// What a session token adds to the caller.
#[derive(Debug, Clone)]
struct Session {
    opened: Arc<OpenedSession>,
    policies: Option<Arc<[NamedDocument]>>,
}

impl Authenticated {
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

    /// The access key that signed; empty for a service that calls by itself.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The Region that the request was signed for.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What the session token says; none for long-term keys.
    #[must_use]
    pub fn session(&self) -> Option<&SessionClaims> {
        self.session.as_ref().map(|session| &session.opened.claims)
    }

    /// The policies that limit the session; none if none were given when it was made.
    #[must_use]
    pub fn session_policies(&self) -> Option<&[NamedDocument]> {
        self.session.as_ref()?.policies.as_deref()
    }

    /// What the identity provider's token says that the caller presents, or with which its session was made.
    #[must_use]
    pub fn web(&self) -> Option<&WebFacts> {
        let presented = self.bearer.as_ref().map(|bearer| &bearer.facts);
        presented.or_else(|| self.session()?.web.as_ref())
    }

    /// The identity provider's token that the caller presents instead of a signature.
    #[must_use]
    pub fn token(&self) -> Option<&WebToken> {
        self.bearer.as_ref().map(|bearer| &bearer.token)
    }

    /// The bearer of a token, which was verified.
    pub(super) fn of_bearer(caller: Caller, principal: Arc<Principal>, region: Region, bearer: Arc<Bearer>) -> Self {
        let access_key_id = String::new();
        Self {
            caller,
            principal,
            identity: None,
            access_key_id,
            key: None,
            region,
            session: None,
            standing: Standing::Direct,
            bearer: Some(bearer),
        }
    }
}

#[cfg(test)]
impl Authenticated {
    /// A caller for tests, whom nobody verified.
    pub(crate) fn unverified(caller: Caller, identity: Option<Arc<PrincipalEntry>>, region: Region) -> Self {
        Self {
            principal: Arc::new(Principal::from_caller(&caller)),
            caller,
            identity,
            access_key_id: String::new(),
            region,
            session: None,
            standing: Standing::Direct,
            key: None,
            bearer: None,
        }
    }
}

/// Verifies signatures.
pub struct Authenticator {
    identity: Arc<Identity>,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    wall_clock: Arc<dyn Clock>,
    keeper: Client,
    signing_keys: SigningKeys,
    sessions: Cache<SessionScope, Arc<OpenedSession>>,
    provider_keys: ProviderKeys,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SessionScope {
    access_key_id: String,
    token: String,
    date: String,
    region: String,
    service: String,
}

#[derive(Debug)]
struct OpenedSession {
    claims: SessionClaims,
    /// The policy that was given as text, compiled.
    inline: Arc<[NamedDocument]>,
    signing_key: Arc<SecretBytes>,
}

/// A key to check the signature with, and whom it belongs to.
struct Candidate {
    signing_key: Arc<SecretBytes>,
    caller: Caller,
    identity: Option<Arc<PrincipalEntry>>,
    session: Option<Session>,
    /// The long-term access key that signed, if it was one.
    key: Option<Arc<AccessKeyEntry>>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Signatures are as old as their client's clock says, so they are checked against the wall clock; sessions end by
    /// the clock of the domain.
    #[must_use]
    pub fn new(
        identity: Arc<Identity>,
        settings: Arc<Settings>,
        keeper: Client,
        clock: Arc<dyn Clock>,
        wall_clock: Arc<dyn Clock>,
        provider_keys: ProviderKeys,
    ) -> Self {
        let signing_keys = SigningKeys::new(keeper.clone());
        let sessions = Cache::new(SESSIONS_MAX);
        Self { identity, settings, clock, wall_clock, keeper, signing_keys, sessions, provider_keys }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn wall_clock(&self) -> &dyn Clock {
        &*self.wall_clock
    }

    pub(super) fn keeper(&self) -> &Client {
        &self.keeper
    }

    pub(super) fn provider_keys(&self) -> &ProviderKeys {
        &self.provider_keys
    }

    /// Verifies the signature of a request.
    ///
    /// # Errors
    /// The refusals of the common front end, in its order.
    pub async fn verify(
        &self,
        call: &Call,
        incoming: &Incoming,
        presented: Presented,
    ) -> Result<Authenticated, ApiError> {
        presented.check_time(call.service, self.wall_clock.now())?;
        let region = self.settings.region_of_call(call.service, &presented.credential.region);
        presented.check_scope(call.service, region.is_some())?;
        let region = region.ok_or_else(|| ApiError::bare(ErrorCode::InvalidSignature))?;
        let string_to_sign = string_to_sign(incoming, &presented)?;
        let candidate = self.candidate(&presented).await?;
        let signing_key = match &candidate {
            Ok(candidate) => Arc::clone(&candidate.signing_key),
            // An unknown key takes the same work as a known one, so that time does not tell them apart.
            Err(_) => Arc::new(SecretBytes::new(vec![0; 32])),
        };
        let right = signature_matches(&signing_key, &string_to_sign, &presented.signature)?;
        let candidate = candidate?;
        if !right {
            return Err(ApiError::new(ErrorCode::InvalidSignature, SIGNATURE_DIFFERS));
        }
        self.note_use(&candidate, call, &region);
        Ok(Authenticated {
            principal: Arc::new(Principal::from_caller(&candidate.caller)),
            caller: candidate.caller,
            identity: candidate.identity,
            access_key_id: presented.credential.access_key_id,
            key: candidate.key,
            region,
            session: candidate.session,
            standing: Standing::Direct,
            bearer: None,
        })
    }

    /// Notes the use of an access key, or of the role that a session is of.
    fn note_use(&self, candidate: &Candidate, call: &Call, region: &Region) {
        let now = self.clock.now();
        if let Some(key) = &candidate.key {
            self.identity.note_use(key, call.service, region, now);
        }
        if let (CallerKind::AssumedRole { .. }, Some(role)) = (&candidate.caller.kind, &candidate.identity) {
            self.identity.note_use_of_role(role, call.service, region, now);
        }
    }

    /// Finds the signing key: of a session if there is a token, else of a long-term access key. The outer error is this
    /// server's, the inner one the client's.
    async fn candidate(&self, presented: &Presented) -> Result<Result<Candidate, ApiError>, ApiError> {
        let access_key_id = &presented.credential.access_key_id;
        let well_formed = (ACCESS_KEY_ID_LEN_MIN..=ACCESS_KEY_ID_LEN_MAX).contains(&access_key_id.len())
            && access_key_id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !well_formed {
            return Ok(Err(invalid_token(presented)));
        }
        match &presented.token {
            Some(token) => self.session_candidate(presented, token).await,
            None => self.long_term_candidate(presented).await,
        }
    }

    async fn long_term_candidate(&self, presented: &Presented) -> Result<Result<Candidate, ApiError>, ApiError> {
        let access_key_id = &presented.credential.access_key_id;
        let Some(key) = self.identity.access_key(access_key_id).await?.filter(|key| key.is_active()) else {
            return Ok(Err(invalid_token(presented)));
        };
        let Some((caller, identity)) = self.owner(&key).await? else { return Ok(Err(invalid_token(presented))) };
        let signing_key = self.signing_keys.get(&presented.credential, key.sealed_secret()).await;
        let signing_key = signing_key.map_err(ApiError::internal)?;
        Ok(Ok(Candidate { signing_key, caller, identity, session: None, key: Some(key) }))
    }

    async fn owner(&self, key: &AccessKeyEntry) -> Result<Option<(Caller, Option<Arc<PrincipalEntry>>)>, ApiError> {
        match key.owner() {
            Owner::Root => Ok(Some((Caller { account: key.account(), kind: CallerKind::Root }, None))),
            Owner::User(id) => {
                let user = self.identity.principal(key.account(), id).await?;
                Ok(user.map(|user| (user.as_user(), Some(user))))
            }
        }
    }

    async fn session_candidate(
        &self,
        presented: &Presented,
        token: &str,
    ) -> Result<Result<Candidate, ApiError>, ApiError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Ok(Err(invalid_token(presented)));
        }
        let session = match self.opened_session(presented, token).await {
            Ok(session) => session,
            Err(KeeperError::Failed | KeeperError::Refused(_)) => return Ok(Err(invalid_token(presented))),
            Err(error) => return Err(ApiError::internal(error)),
        };
        let claims = &session.claims;
        let now = self.clock.now();
        let Some((caller, identity)) = self.session_owner(claims).await? else {
            return Ok(Err(invalid_token(presented)));
        };
        let Some(policies) = self.session_policies(&session).await? else {
            return Ok(Err(invalid_token(presented)));
        };
        if claims.issued > now.plus_seconds(CLOCK_BACKWARDS_SECONDS_MAX) {
            return Ok(Err(invalid_token(presented)));
        }
        if claims.expires <= now {
            let message = "The security token included in the request is expired";
            return Ok(Err(ApiError::new(ErrorCode::ExpiredToken, message)));
        }
        let signing_key = Arc::clone(&session.signing_key);
        Ok(Ok(Candidate {
            signing_key,
            caller,
            identity,
            session: Some(Session { opened: session, policies }),
            key: None,
        }))
    }

    /// The session as a caller, with the principal behind it as it is now; none if it is gone.
    async fn session_owner(
        &self,
        claims: &SessionClaims,
    ) -> Result<Option<(Caller, Option<Arc<PrincipalEntry>>)>, ApiError> {
        let Some(id) = &claims.principal else {
            // Neither a policy nor a deletion can end a session of the account's root: it ends with its access key.
            let Some(source) = &claims.source_access_key else { return Ok(None) };
            let key = self.identity.access_key(source).await?;
            let key = key.filter(|key| key.is_active() && *key.owner() == Owner::Root);
            return Ok(key.map(|key| (Caller { account: key.account(), kind: CallerKind::Root }, None)));
        };
        let principal = self.identity.principal(claims.account, id).await?;
        Ok(principal.map(|principal| (principal.as_session(claims), Some(principal))))
    }

    /// The policies that limit a session: none of the outer kind if one of them no longer exists, for what it denied
    /// would be allowed without it; none of the inner kind if none were given.
    async fn session_policies(
        &self,
        session: &OpenedSession,
    ) -> Result<Option<Option<Arc<[NamedDocument]>>>, ApiError> {
        let Some(policies) = &session.claims.policies else { return Ok(Some(None)) };
        if policies.managed.is_empty() {
            return Ok(Some(Some(Arc::clone(&session.inline))));
        }
        let mut all = session.inline.to_vec();
        for reference in &policies.managed {
            let Some(document) = self.identity.policy_in_force(session.claims.account, reference).await? else {
                return Ok(None);
            };
            all.push(document);
        }
        Ok(Some(Some(all.into())))
    }

    async fn opened_session(&self, presented: &Presented, token: &str) -> Result<Arc<OpenedSession>, KeeperError> {
        let credential = &presented.credential;
        let scope = SessionScope {
            access_key_id: credential.access_key_id.clone(),
            token: token.into(),
            date: credential.date.clone(),
            region: credential.region.clone(),
            service: credential.service.clone(),
        };
        if let Some(session) = self.sessions.get(&scope) {
            return Ok(session);
        }
        let sealed = SessionClaims::decode_token(token).ok_or(KeeperError::Failed)?;
        let SessionScope { access_key_id, date, region, service, .. } = &scope;
        let (claims, signing_key) = self.keeper.open_session(access_key_id, sealed, date, region, service).await?;
        let claims = SessionClaims::from_bytes(&claims).ok_or(KeeperError::Failed)?;
        let inline = compile_inline(&claims)?;
        let session = Arc::new(OpenedSession { claims, inline, signing_key: Arc::new(signing_key) });
        self.sessions.insert(scope, Arc::clone(&session));
        Ok(session)
    }
}

/// The session policy that was given as text. One that no longer parses makes the session unusable.
fn compile_inline(claims: &SessionClaims) -> Result<Arc<[NamedDocument]>, KeeperError> {
    let text = claims.policies.as_ref().and_then(|policies| policies.inline.as_ref());
    let documents = text.map(|text| {
        let document = Document::parse(Target::Session, text).map_err(|_| KeeperError::Failed)?;
        Ok(NamedDocument { name: "session policy".into(), document: Arc::new(document) })
    });
    documents.into_iter().collect()
}

fn signature_matches(signing_key: &SecretBytes, string_to_sign: &str, signature: &str) -> Result<bool, ApiError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(signing_key.expose()).map_err(ApiError::internal)?;
    mac.update(string_to_sign.as_bytes());
    let computed = hex(&mac.finalize().into_bytes());
    Ok(computed.as_bytes().ct_eq(signature.as_bytes()).into())
}

fn invalid_token(presented: &Presented) -> ApiError {
    refused_credentials(presented.token.is_some(), presented.dialect)
}

/// The Query services leave the full stop out when there was a token.
fn refused_credentials(has_token: bool, dialect: Dialect) -> ApiError {
    let stop = if has_token && dialect == Dialect::Query { "" } else { "." };
    ApiError::new(ErrorCode::InvalidClientToken, format!("The security token included in the request is invalid{stop}"))
}

const SIGNATURE_DIFFERS: &str = "The request signature we calculated does not match the signature you provided. Check \
                                 your AWS Secret Access Key and signing method. Consult the service documentation for \
                                 details.";
const ACCESS_KEY_ID_LEN_MIN: usize = 16;
const ACCESS_KEY_ID_LEN_MAX: usize = 128;
/// How far the clock may have gone back since a session was made, in seconds.
const CLOCK_BACKWARDS_SECONDS_MAX: i64 = 300;
/// Most opened sessions kept at once.
const SESSIONS_MAX: usize = 2_000;
