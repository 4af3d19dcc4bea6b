//! What a session token holds. The keeper seals it; nothing about a session is stored.
//!
//! Not here: what the claims give; policies are looked up live by the principal's id, only what is here is frozen.
//! Invariants: a token that is issued fits in [`TOKEN_CHARS_MAX`]; tokens of the first form stay good until they expire.
//!
//! Form: the format byte 2, then postcard in the order of the members. Form 3 is the same with zero bytes behind it, for
//! clients who ask for a longer token. Form 1 was a JSON object, which begins with `{`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_keeper_protocol::SEALED_OVERHEAD;
use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::{Identity, managed::PolicyRef};
use crate::error::{ApiError, ErrorCode};

/// The facts frozen in a session token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The account of the principal.
    pub account: AccountId,
    /// The role or user; none for the account's root.
    pub principal: Option<UniqueId>,
    /// How the session was made.
    pub kind: SessionKind,
    /// When the session was made.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When the code was accepted on which the session was made, if there was one.
    pub mfa: Option<Timestamp>,
    /// The access key that made it; none if a token of an identity provider did.
    pub source_access_key: Option<String>,
    /// The policies that limit it, if any were given.
    pub policies: Option<SessionPolicies>,
    /// Its tags by key.
    pub tags: BTreeMap<String, String>,
    /// The keys of those tags that sessions made from it keep.
    pub transitive: BTreeSet<String>,
    /// Who is behind it, in the words of whoever made the first session of the chain.
    pub source_identity: Option<String>,
    /// The token of an identity provider that it was made with.
    pub web: Option<WebFacts>,
}

/// How a session was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// By GetFederationToken.
    Federated {
        /// Its name.
        name: String,
    },
    /// By one of the AssumeRole operations.
    Role {
        /// Its name.
        session_name: String,
    },
    /// By GetSessionToken.
    User,
}

/// The policies that were given when a session was made; together they are one ceiling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPolicies {
    /// The one given as text.
    pub inline: Option<String>,
    /// Those given by name, looked up live.
    pub managed: Vec<PolicyRef>,
}

/// What an identity provider's token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebFacts {
    /// The provider's ARN.
    pub provider_arn: String,
    /// For whom the token was made.
    pub audience: String,
    /// Whom it is about.
    pub subject: String,
    /// How that one was authenticated.
    pub methods: Vec<String>,
}

impl WebFacts {
    /// The provider's URL without its scheme, which stands before the colon of its condition keys.
    #[must_use]
    pub fn host_and_path(&self) -> &str {
        self.provider_arn.split_once(":oidc-provider/").map_or("", |(_, rest)| rest)
    }
}

/// The claims of the first form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstForm {
    account: AccountId,
    principal: UniqueId,
    session_name: String,
    issued: Timestamp,
    expires: Timestamp,
}

impl SessionClaims {
    /// The bytes that the keeper seals.
    ///
    /// # Errors
    /// If they cannot be serialised, which is a defect.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ApiError> {
        postcard::to_extend(self, vec![FORMAT]).map_err(ApiError::internal)
    }

    /// The bytes that the keeper seals for a token of at least so many characters, of which there are at most
    /// [`TOKEN_CHARS_MAX`].
    ///
    /// # Errors
    /// As [`SessionClaims::to_bytes`].
    pub fn to_padded_bytes(&self, token_chars_min: usize) -> Result<Vec<u8>, ApiError> {
        let mut bytes = self.to_bytes()?;
        let sealed_min = (token_chars_min.min(TOKEN_CHARS_MAX) * 3).div_ceil(4);
        let wanted = sealed_min.saturating_sub(SEALED_OVERHEAD);
        if bytes.len() < wanted {
            bytes.resize(wanted, 0);
            if let Some(format) = bytes.first_mut() {
                *format = FORMAT_PADDED;
            }
        }
        Ok(bytes)
    }

    /// The claims behind bytes that the keeper opened; none if this program does not know their form.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&FORMAT, rest) => match postcard::take_from_bytes(rest) {
                Ok((claims, [])) => Some(claims),
                _ => None,
            },
            (&FORMAT_PADDED, rest) => match postcard::take_from_bytes(rest) {
                Ok((claims, padding)) if padding.iter().all(|byte| *byte == 0) => Some(claims),
                _ => None,
            },
            (b'{', _) => serde_json::from_slice::<FirstForm>(bytes).ok().map(Self::from),
            _ => None,
        }
    }

    /// The policy that was given as text, compiled; none of them if none was given.
    ///
    /// # Errors
    /// If it is no session policy.
    pub fn inline_policy(&self) -> Result<Arc<[NamedDocument]>, Malformed> {
        let text = self.policies.as_ref().and_then(|policies| policies.inline.as_ref());
        let documents = text.map(|text| {
            let document = Document::parse(Target::Session, text)?;
            Ok(NamedDocument { name: "session policy".into(), document: Arc::new(document) })
        });
        documents.into_iter().collect()
    }

    /// How much of the room for policies and tags they take, in percent, rounded up; none if there are neither.
    ///
    /// # Errors
    /// `PackedPolicyTooLarge` if they do not fit.
    pub fn packed_percent(&self) -> Result<Option<usize>, ApiError> {
        let bare = Self { policies: None, tags: BTreeMap::new(), transitive: BTreeSet::new(), ..self.clone() };
        if bare == *self {
            return Ok(None);
        }
        let fixed = bare.to_bytes()?.len();
        let used = self.to_bytes()?.len().saturating_sub(fixed);
        let room = CLAIMS_BYTES_MAX.saturating_sub(fixed).max(1);
        let percent = used.saturating_mul(100).div_ceil(room);
        if percent > 100 {
            let message = format!("Packed size of session tags consumes {percent}% of allotted space.");
            return Err(ApiError::new(ErrorCode::PackedPolicyTooLarge, message));
        }
        Ok(Some(percent))
    }

    /// The text of a sealed token.
    #[must_use]
    pub fn encode_token(sealed: &[u8]) -> String {
        STANDARD.encode(sealed)
    }

    /// The sealed token behind a text; none if it is not base64 or too long.
    #[must_use]
    pub fn decode_token(token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        STANDARD.decode(token.as_bytes()).ok()
    }
}

impl Identity {
    /// The policies that limit a session, `inline` the one that was given as text: none of the outer kind if one of them
    /// no longer exists, for what it denied would be allowed without it; none of the inner kind if none were given.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn session_policies(
        &self,
        claims: &SessionClaims,
        inline: &Arc<[NamedDocument]>,
    ) -> Result<Option<Option<Arc<[NamedDocument]>>>, ApiError> {
        let Some(policies) = &claims.policies else { return Ok(Some(None)) };
        if policies.managed.is_empty() {
            return Ok(Some(Some(Arc::clone(inline))));
        }
        let mut all = inline.to_vec();
        for reference in &policies.managed {
            let Some(document) = self.policy_in_force(claims.account, reference).await? else { return Ok(None) };
            all.push(document);
        }
        Ok(Some(Some(all.into())))
    }
}

impl From<FirstForm> for SessionClaims {
    fn from(first: FirstForm) -> Self {
        let FirstForm { account, principal, session_name, issued, expires } = first;
        Self {
            account,
            principal: Some(principal),
            kind: SessionKind::Role { session_name },
            issued,
            expires,
            mfa: None,
            source_access_key: None,
            policies: None,
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            source_identity: None,
            web: None,
        }
    }
}

/// Longest session token, in characters: what clients are told to expect ("GetSessionToken" of the STS API reference).
pub const TOKEN_CHARS_MAX: usize = 4096;
/// Longest claims, in bytes.
const CLAIMS_BYTES_MAX: usize = TOKEN_CHARS_MAX / 4 * 3 - SEALED_OVERHEAD;
const FORMAT: u8 = 2;
const FORMAT_PADDED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> SessionClaims {
        SessionClaims {
            account: "111122223333".parse().unwrap(),
            principal: Some(UniqueId::new("AROAEXAMPLEEXAMPLEEXA")),
            kind: SessionKind::Role { session_name: "s".repeat(64) },
            issued: Timestamp::from_seconds(1_800_000_000),
            expires: Timestamp::from_seconds(1_800_003_600),
            mfa: Some(Timestamp::from_seconds(1_800_000_000)),
            source_access_key: Some("ASIAEXAMPLEEXAMPLEEX".into()),
            policies: None,
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            source_identity: Some("i".repeat(64)),
            web: None,
        }
    }

    fn with_policy(chars: usize) -> SessionClaims {
        let policies = SessionPolicies { inline: Some("\"".repeat(chars)), managed: Vec::new() };
        SessionClaims { policies: Some(policies), ..claims() }
    }

    #[test]
    fn round_trips_and_takes_nothing_else() {
        let mut whole = with_policy(100);
        whole.tags.insert("Team".into(), "blue".into());
        whole.transitive.insert("Team".into());
        whole.web = Some(WebFacts {
            provider_arn: "arn:aws:iam::111122223333:oidc-provider/idp.example.com/x".into(),
            audience: "sts".into(),
            subject: "me".into(),
            methods: vec!["pwd".into()],
        });
        let bytes = whole.to_bytes().unwrap();
        assert_eq!(SessionClaims::from_bytes(&bytes), Some(whole.clone()));
        assert_eq!(whole.web.unwrap().host_and_path(), "idp.example.com/x");
        for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[], &[3], b"{}", &[bytes.as_slice(), &[0]].concat()] {
            assert_eq!(SessionClaims::from_bytes(wrong), None);
        }
    }

    #[test]
    fn tokens_of_the_first_form_are_role_sessions_without_anything_new() {
        let first =
            br#"{"account":"111122223333","principal":"AROAX","session_name":"s1","issued":1000,"expires":2000}"#;
        let read = SessionClaims::from_bytes(first).unwrap();
        assert_eq!(read.kind, SessionKind::Role { session_name: "s1".into() });
        assert_eq!((read.issued, read.expires), (Timestamp::from_seconds(1), Timestamp::from_seconds(2)));
        assert_eq!((read.mfa, read.policies, read.tags.len()), (None, None, 0));
    }

    #[test]
    fn a_padded_token_has_the_length_that_was_asked_for_and_the_same_claims() {
        for claims in [claims(), with_policy(2048)] {
            let plain = claims.to_bytes().unwrap();
            let chars = |bytes: &[u8]| SessionClaims::encode_token(&vec![0; bytes.len() + SEALED_OVERHEAD]).len();
            for wanted in [0, 1, 100, 1023, 1024, 3000, 4095, 4096, 100_000] {
                let padded = claims.to_padded_bytes(wanted).unwrap();
                let least = chars(&plain).max(wanted.min(TOKEN_CHARS_MAX));
                assert!((least..least + 4).contains(&chars(&padded)) && chars(&padded) <= TOKEN_CHARS_MAX, "{wanted}");
                assert_eq!(padded == plain, wanted <= chars(&plain), "{wanted}");
                assert_eq!(SessionClaims::from_bytes(&padded).as_ref(), Some(&claims), "{wanted}");
            }
            let mut padded = claims.to_padded_bytes(4096).unwrap();
            *padded.last_mut().unwrap() = 1;
            assert_eq!(SessionClaims::from_bytes(&padded), None, "what stands behind the claims is nothing");
        }
    }

    #[test]
    fn the_longest_session_policy_fits_and_what_is_issued_is_a_short_token() {
        assert_eq!(claims().packed_percent().unwrap(), None);
        let percent = with_policy(2048).packed_percent().unwrap().unwrap();
        assert!((50..=100).contains(&percent), "{percent}");
        let mut most = with_policy(0);
        let chars = (0..).take_while(|chars| with_policy(*chars).packed_percent().is_ok()).last().unwrap();
        most.policies = with_policy(chars).policies;
        assert_eq!(most.packed_percent().unwrap(), Some(100));
        let sealed = most.to_bytes().unwrap().len() + SEALED_OVERHEAD;
        assert!(SessionClaims::encode_token(&vec![0; sealed]).len() <= TOKEN_CHARS_MAX);
        let error = with_policy(chars + 30).packed_percent().unwrap_err();
        assert_eq!(error.code(), ErrorCode::PackedPolicyTooLarge);
    }
}
