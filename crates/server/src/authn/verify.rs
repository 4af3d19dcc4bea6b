//! Verifies a request's signature and finds the principal behind it.
//!
//! Not here: authorization; tokens of identity providers (`web_identity.rs`). Invariant: this file alone makes [`Authenticated`] of what comes from outside; its child
//! `forwarded` makes it of what a service of this process asks, and `renewal` looks up what a known one may by now.

mod forwarded;
mod renewal;

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kanuki_keeper_protocol::{Client, KeeperError};
use kanuki_policy::NamedDocument;
use kanuki_types::{Caller, CallerKind, Clock, Region, SecretBytes};
use quick_cache::sync::Cache;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

pub(super) use forwarded::Standing;
pub use forwarded::{Forwarded, SERVICES_IN_CHAIN_MAX, ServicePrincipal, Source};

use super::{
    canonical::{hex, string_to_sign},
    presented::Presented,
    provider_keys::ProviderKeys,
    signing_keys::SigningKeys,
    standpoint::{Standpoint, StandpointSession},
    web_token::WebToken,
};
use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
    identity::{AccessKeyEntry, Identity, Owner, PrincipalEntry, SessionClaims, TOKEN_CHARS_MAX},
    settings::Settings,
    wire::{Call, Dialect},
};

/// A caller whose signature over the whole request was right. What decisions ask of it is its [`Standpoint`].
#[derive(Debug, Clone)]
pub struct Authenticated {
    standpoint: Standpoint,
    access_key_id: String,
    /// The long-term access key that signed, if it was one.
    key: Option<Arc<AccessKeyEntry>>,
    token: Option<Arc<WebToken>>,
}

/// A proof can be read like what it proves; nothing leads the other way.
impl std::ops::Deref for Authenticated {
    type Target = Standpoint;

    fn deref(&self) -> &Standpoint {
        &self.standpoint
    }
}

impl Authenticated {
    /// The access key that signed; empty for a service that calls by itself.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The identity provider's token that the caller presents instead of a signature.
    #[must_use]
    pub fn token(&self) -> Option<&WebToken> {
        self.token.as_deref()
    }

    /// The bearer of a token, which was verified.
    pub(super) fn of_bearer(standpoint: Standpoint, token: WebToken) -> Self {
        Self { standpoint, access_key_id: String::new(), key: None, token: Some(Arc::new(token)) }
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
    claims: Arc<SessionClaims>,
    /// The policy that was given as text, compiled.
    inline: Arc<[NamedDocument]>,
    signing_key: Arc<SecretBytes>,
}

/// A key to check the signature with, and whom it belongs to.
struct Candidate {
    signing_key: Arc<SecretBytes>,
    caller: Caller,
    identity: Option<Arc<PrincipalEntry>>,
    session: Option<StandpointSession>,
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
        let standpoint = Standpoint {
            session: candidate.session,
            ..Standpoint::direct(candidate.caller, candidate.identity, region)
        };
        let access_key_id = presented.credential.access_key_id;
        Ok(Authenticated { standpoint, access_key_id, key: candidate.key, token: None })
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
        let Some(policies) = self.identity.session_policies(&session.claims, &session.inline).await? else {
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
            session: Some(StandpointSession { claims: Arc::clone(&session.claims), policies }),
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
        // One that no longer parses makes the session unusable.
        let inline = claims.inline_policy().map_err(|_| KeeperError::Failed)?;
        let session = Arc::new(OpenedSession { claims: Arc::new(claims), inline, signing_key: Arc::new(signing_key) });
        self.sessions.insert(scope, Arc::clone(&session));
        Ok(session)
    }
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
