//! Callers who present the token of an identity provider instead of a signature.
//!
//! Not here: what their role trusts. Invariants: the provider is one that the role's account configured; the signature is
//! verified under the provider's own keys before anything else of the token is believed.
//!
//! Rule: "AssumeRoleWithWebIdentity" of the STS API reference.

use kanuki_types::{AccountId, Caller, CallerKind, SecretBytes, Timestamp};

use super::{
    standpoint::Standpoint,
    verify::{Authenticated, Authenticator},
    web_token::{TokenError, UnverifiedToken},
};
use crate::{
    error::{ApiError, ErrorCode},
    identity::WebFacts,
};

/// A token, and the account whose provider is to vouch for it.
#[derive(Debug)]
pub struct BearerToken<'a> {
    /// The account of the role.
    pub account: AccountId,
    /// The token.
    pub token: &'a SecretBytes,
}

impl Authenticator {
    /// Verifies a token.
    ///
    /// # Errors
    /// `InvalidIdentityToken`, `ExpiredTokenException`, `IDPCommunicationError`; or if store or keeper fail.
    pub async fn verify_bearer(&self, bearer: BearerToken<'_>, now: Timestamp) -> Result<Authenticated, ApiError> {
        let invalid = |message: &str| ApiError::new(ErrorCode::InvalidIdentityToken, message);
        let token = std::str::from_utf8(bearer.token.expose()).map_err(|_| invalid(NOT_A_TOKEN))?;
        let token = UnverifiedToken::parse(token).map_err(|_| invalid(NOT_A_TOKEN))?;
        let provider = self.identity().oidc_provider_of(bearer.account, token.issuer()).await?;
        let provider = provider.ok_or_else(|| {
            let message = format!("No OpenIDConnect provider found in your account for {}", shown(token.issuer()));
            ApiError::new(ErrorCode::InvalidIdentityToken, message)
        })?;
        if !self.is_signed_by_issuer(&token).await? {
            return Err(invalid(NOT_SIGNED));
        }
        let token = token.verified(&provider.record.client_ids, now.seconds()).map_err(|error| match error {
            TokenError::Audience => invalid("Incorrect token audience"),
            TokenError::Expired => ApiError::new(
                ErrorCode::ExpiredIdentityToken,
                "Token expired: current date/time must be before the expiration date/time",
            ),
            TokenError::Malformed => invalid(NOT_A_TOKEN),
            TokenError::NotYet => invalid("The web identity token is not valid yet"),
        })?;
        let provider_arn = provider.arn();
        let kind = CallerKind::WebIdentity {
            provider_arn: provider_arn.clone(),
            audience: token.audience.clone(),
            subject: token.subject.clone(),
        };
        let caller = Caller { account: bearer.account, kind };
        let facts = WebFacts {
            provider_arn,
            audience: token.audience.clone(),
            subject: token.subject.clone(),
            methods: token.methods.clone(),
        };
        let region = self.settings().default_region().clone();
        let standpoint = Standpoint::direct(caller, None, region).with_web(facts);
        Ok(Authenticated::of_bearer(standpoint, token))
    }

    /// Whether a key of the issuer verifies the token. The set's keys with the token's key id are tried.
    async fn is_signed_by_issuer(&self, token: &UnverifiedToken<'_>) -> Result<bool, ApiError> {
        let now = self.wall_clock().now();
        let keys = self.provider_keys().of(token.issuer(), &token.key_id, now).await;
        let keys = keys.map_err(|error| {
            tracing::warn!(issuer = token.issuer(), %error, "the keys of an identity provider cannot be read");
            ApiError::new(ErrorCode::IdpCommunication, NO_KEYS)
        })?;
        let keys = keys.ok_or_else(|| ApiError::new(ErrorCode::IdpCommunication, NO_KEYS))?;
        let keys = keys.iter().filter_map(|key| key.for_token(&token.key_id, token.algorithm));
        for key in keys.take(KEYS_TRIED_MAX) {
            let message = token.signed.as_bytes();
            if self.keeper().verify_foreign(key, token.algorithm, message, &token.signature).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn shown(issuer: &str) -> String {
    issuer.chars().filter(|c| !c.is_control()).take(ISSUER_CHARS_SHOWN_MAX).collect()
}

const NOT_A_TOKEN: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const NOT_SIGNED: &str =
    "The web identity token provided could not be validated: its signature is not one of the provider's keys";
const NO_KEYS: &str = "Couldn't retrieve verification key from your identity provider";
/// Most keys of one id that are tried.
const KEYS_TRIED_MAX: usize = 4;
const ISSUER_CHARS_SHOWN_MAX: usize = 255;
