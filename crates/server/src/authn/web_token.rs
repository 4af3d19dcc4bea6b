//! The token of an identity provider: taken apart, and its claims read.
//!
//! Not here: signatures and whom to trust. Invariants: an algorithm that is not in the list is refused before anything
//! else is looked at, `none` and every MAC among them; nothing in a token is believed before its signature is verified,
//! but the issuer's name, which chooses among the providers that the account configured.
//!
//! Rule: RFC 7515 section 3.1 (compact form), RFC 7519, OpenID Connect Core 1.0 section 2.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_keeper_protocol::ForeignAlgorithm;
use serde::Deserialize;
use serde_json::Value;

/// A token taken apart; nothing in it is verified.
#[derive(Debug)]
pub(super) struct UnverifiedToken<'a> {
    /// How it says that it was signed.
    pub(super) algorithm: ForeignAlgorithm,
    /// The key that it says it was signed with.
    pub(super) key_id: String,
    /// What was signed.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
    claims: Claims,
}

/// What a token claims.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audiences,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    amr: Option<Vec<String>>,
    #[serde(default, rename = "https://aws.amazon.com/tags")]
    tags: Option<TagClaims>,
    #[serde(default, rename = "https://aws.amazon.com/source_identity")]
    source_identity: Option<String>,
}

/// One or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audiences {
    Many(Vec<String>),
    One(String),
}

/// Session tags in a token ("Passing session tags using AssumeRoleWithWebIdentity" of the IAM user guide).
#[derive(Debug, Default, Deserialize)]
struct TagClaims {
    #[serde(default)]
    principal_tags: BTreeMap<String, Value>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
}

/// The header of a token.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Names of members that must be understood; none is.
    #[serde(default)]
    crit: Option<Value>,
}

/// What a token says once it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebToken {
    /// Who issued it.
    pub issuer: String,
    /// Whom it is about.
    pub subject: String,
    /// For which client it was made.
    pub audience: String,
    /// How the subject was authenticated.
    pub methods: Vec<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// The keys of those that are passed on.
    pub transitive: Vec<String>,
    /// Who is behind the session.
    pub source_identity: Option<String>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    /// It was not made for a client that the provider entry lists.
    Audience,
    /// It is too old.
    Expired,
    /// It is no token, or of a kind that is not taken.
    Malformed,
    /// Its time has not come.
    NotYet,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a token apart.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = from_part(header)?;
        let algorithm = algorithm(&header.alg).ok_or(TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let key_id = header.kid.filter(|kid| (1..=KEY_ID_CHARS_MAX).contains(&kid.chars().count()));
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        let claims: Claims = from_part(payload)?;
        Ok(Self { algorithm, key_id: key_id.ok_or(TokenError::Malformed)?, signed, signature, claims })
    }

    /// The issuer that it names; good for nothing but choosing a provider.
    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// What a token whose signature was found right says, if it was made for one of the clients and is of now.
    pub(super) fn verified(self, clients: &[String], now_seconds: i64) -> Result<WebToken, TokenError> {
        let claims = self.claims;
        if claims.exp <= now_seconds {
            return Err(TokenError::Expired);
        }
        if claims.iat.max(claims.nbf.unwrap_or(i64::MIN)) > now_seconds.saturating_add(SKEW_SECONDS_MAX) {
            return Err(TokenError::NotYet);
        }
        let audiences = match (claims.azp, claims.aud) {
            // The party that the token was issued to counts, if it is named.
            (Some(azp), _) => vec![azp],
            (None, Audiences::Many(many)) => many,
            (None, Audiences::One(one)) => vec![one],
        };
        let audience = audiences.into_iter().find(|audience| clients.contains(audience));
        let audience = audience.ok_or(TokenError::Audience)?;
        let subject = Some(claims.sub).filter(|sub| (1..=SUBJECT_CHARS_MAX).contains(&sub.chars().count()));
        let methods = claims.amr.unwrap_or_default();
        let methods_fit = methods.len() <= METHODS_MAX && methods.iter().all(|method| method.len() <= METHOD_BYTES_MAX);
        if !methods_fit {
            return Err(TokenError::Malformed);
        }
        let tag_claims = claims.tags.unwrap_or_default();
        let mut tags = Vec::with_capacity(tag_claims.principal_tags.len());
        for (key, value) in tag_claims.principal_tags {
            tags.push((key, one_text(value)?));
        }
        Ok(WebToken {
            issuer: claims.iss,
            subject: subject.ok_or(TokenError::Malformed)?,
            audience,
            methods,
            tags,
            transitive: tag_claims.transitive_tag_keys,
            source_identity: claims.source_identity,
        })
    }
}

/// Takes a token apart and reads what it claims, as if its signature had been found right, and does nothing with it: whether
/// it would be taken. For fuzzing.
#[must_use]
pub fn read_unverified_token(token: &str, clients: &[String], now_seconds: i64) -> bool {
    UnverifiedToken::parse(token).is_ok_and(|token| token.verified(clients, now_seconds).is_ok())
}

/// The value of a tag: a text, or a list with one.
fn one_text(value: Value) -> Result<String, TokenError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(items) => match <[Value; 1]>::try_from(items) {
            Ok([Value::String(text)]) => Ok(text),
            _ => Err(TokenError::Malformed),
        },
        _ => Err(TokenError::Malformed),
    }
}

fn from_part<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

/// The algorithms that are taken ("WebIdentityToken" of the STS API reference).
pub(super) fn algorithm(name: &str) -> Option<ForeignAlgorithm> {
    match name {
        "ES256" => Some(ForeignAlgorithm::Es256),
        "ES384" => Some(ForeignAlgorithm::Es384),
        "ES512" => Some(ForeignAlgorithm::Es512),
        "RS256" => Some(ForeignAlgorithm::Rs256),
        "RS384" => Some(ForeignAlgorithm::Rs384),
        "RS512" => Some(ForeignAlgorithm::Rs512),
        _ => None,
    }
}

/// How far the issuer's clock may be ahead of ours, in seconds.
const SKEW_SECONDS_MAX: i64 = 300;
/// Longest subject, in characters ("SubjectFromWebIdentityToken" of the STS API reference).
const SUBJECT_CHARS_MAX: usize = 255;
/// Longest key id, in characters.
const KEY_ID_CHARS_MAX: usize = 255;
const METHODS_MAX: usize = 8;
const METHOD_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(b"signature"))
    }

    fn header() -> Value {
        json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })
    }

    fn claims() -> Value {
        json!({ "iss": "https://idp.example.com", "sub": "me", "aud": "client", "exp": 2000, "iat": 1000 })
    }

    fn with(mut value: Value, name: &str, member: Value) -> Value {
        value[name] = member;
        value
    }

    fn read(claims: &Value, now: i64) -> Result<WebToken, TokenError> {
        UnverifiedToken::parse(&token(&header(), claims))?.verified(&["client".into(), "other".into()], now)
    }

    #[test]
    fn reads_what_it_says() {
        let claims = with(
            claims(),
            "https://aws.amazon.com/tags",
            json!({
                "principal_tags": { "Team": ["blue"], "Job": "x" },
                "transitive_tag_keys": ["Team"],
            }),
        );
        let claims = with(claims, "https://aws.amazon.com/source_identity", json!("ann"));
        let read = read(&with(claims, "amr", json!(["pwd"])), 1500).unwrap();
        assert_eq!(read.issuer, "https://idp.example.com");
        assert_eq!((read.subject.as_str(), read.audience.as_str()), ("me", "client"));
        assert_eq!(read.tags, [("Job".into(), "x".into()), ("Team".to_owned(), "blue".to_owned())]);
        assert_eq!((read.transitive, read.methods), (vec!["Team".into()], vec!["pwd".into()]));
        assert_eq!(read.source_identity.as_deref(), Some("ann"));
    }

    #[test]
    fn only_listed_algorithms_and_whole_tokens_are_taken() {
        for name in ["none", "None", "HS256", "HS512", "PS256", "EdDSA", "", "rs256"] {
            let header = with(header(), "alg", json!(name));
            assert_eq!(UnverifiedToken::parse(&token(&header, &claims())).unwrap_err(), TokenError::Malformed);
        }
        for header in [with(header(), "crit", json!(["b64"])), json!({ "alg": "RS256" }), json!([])] {
            assert!(UnverifiedToken::parse(&token(&header, &claims())).is_err(), "{header}");
        }
        let whole = token(&header(), &claims());
        let without_first: String = whole.chars().skip(1).collect();
        for wrong in ["", ".", "..", "a.b.c", &without_first, whole.rsplit_once('.').unwrap().0, &format!("{whole}.x")]
        {
            assert!(UnverifiedToken::parse(wrong).is_err(), "{wrong}");
        }
        for name in ["iss", "sub", "aud", "exp", "iat"] {
            let mut lacking = claims();
            lacking.as_object_mut().unwrap().remove(name);
            assert!(read(&lacking, 1500).is_err(), "{name}");
        }
        for (name, value) in [("exp", json!(2000.5)), ("exp", json!("2000")), ("iat", json!(null)), ("sub", json!(1))] {
            assert!(read(&with(claims(), name, value), 1500).is_err(), "{name}");
        }
    }

    #[test]
    fn times_and_audiences() {
        assert_eq!(read(&claims(), 2000), Err(TokenError::Expired));
        assert!(read(&claims(), 1999).is_ok());
        assert!(read(&claims(), 700).is_ok());
        assert_eq!(read(&claims(), 699), Err(TokenError::NotYet));
        assert_eq!(read(&with(claims(), "nbf", json!(1900)), 1500), Err(TokenError::NotYet));
        let of = |aud: Value| read(&with(claims(), "aud", aud), 1500).map(|read| read.audience);
        assert_eq!(of(json!(["x", "other", "client"])), Ok("other".into()));
        assert_eq!(of(json!(["x"])), Err(TokenError::Audience));
        assert_eq!(of(json!([])), Err(TokenError::Audience));
        let azp = |azp: &str| read(&with(claims(), "azp", json!(azp)), 1500).map(|read| read.audience);
        assert_eq!(azp("other"), Ok("other".into()));
        assert_eq!(azp("x"), Err(TokenError::Audience), "the audience does not help");
    }

    #[test]
    fn claims_have_bounds() {
        assert!(read(&with(claims(), "sub", json!("s".repeat(256))), 1500).is_err());
        assert!(read(&with(claims(), "amr", json!(vec!["m"; 9])), 1500).is_err());
        let tags = json!({ "principal_tags": { "a": ["x", "y"] } });
        assert!(read(&with(claims(), "https://aws.amazon.com/tags", tags), 1500).is_err());
    }
}
