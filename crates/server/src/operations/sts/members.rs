//! Members that the operations of STS share: session policies, session tags, codes, and the credentials they answer.
//!
//! Rule: the data types of the STS API reference; "Passing session tags in AWS STS" of the IAM user guide.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use kanuki_policy::{Document, Target, fold_key};
use kanuki_types::AccountId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    authn::{Authenticated, SecondFactor},
    authz::Demand,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{PolicyArn, PolicyRef, SessionClaims, SessionPolicies, TOKEN_CHARS_MAX, new_session_key_id},
    keys::tag_facts,
    secret_text::SecretText,
    wire::Fields,
};

/// Temporary credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    secret_access_key: SecretText,
    session_token: String,
    expiration: String,
}

/// How long a session token is, as every operation that makes one answers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenSize {
    /// In characters, each of which is a byte.
    pub(super) bytes: usize,
    /// In percent of the longest, rounded up.
    pub(super) percent: usize,
}

impl Credentials {
    /// Issues credentials for claims, with a token of at least so many characters.
    pub(super) async fn issue(
        doors: &Doors,
        claims: &SessionClaims,
        token_chars_min: Option<i64>,
    ) -> Result<Self, ApiError> {
        let token_chars_min = token_chars_min.and_then(|chars| usize::try_from(chars).ok()).unwrap_or_default();
        let access_key_id = new_session_key_id(claims.account, &*doors.random);
        let (token, secret) = doors.identity.issue_session(&access_key_id, claims, token_chars_min).await?;
        Ok(Self {
            access_key_id,
            secret_access_key: SecretText::plain(&secret)?,
            session_token: SessionClaims::encode_token(&token),
            expiration: claims.expires.iso8601(),
        })
    }

    /// How long the token is.
    pub(super) fn token_size(&self) -> TokenSize {
        let bytes = self.session_token.len();
        TokenSize { bytes, percent: bytes.saturating_mul(100).div_ceil(TOKEN_CHARS_MAX) }
    }

    /// What the audit record says of them.
    pub(super) fn recorded(&self, claims: &SessionClaims) -> Value {
        json!({ "accessKeyId": self.access_key_id, "expiration": claims.expires.audit_text() })
    }
}

/// The role session that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumedRoleUser {
    pub(super) assumed_role_id: String,
    pub(super) arn: String,
}

/// Session policies as the client gave them.
#[derive(Debug, Default)]
pub(super) struct GivenPolicies {
    inline: Option<String>,
    arns: Vec<String>,
}

impl GivenPolicies {
    /// Reads `Policy` and `PolicyArns`.
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        let is_policy_char = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        let pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
        let inline = fields.pattern_text("Policy", 1..=POLICY_PARAMETER_CHARS_MAX, pattern, is_policy_char)?;
        let arns = fields.text_members("PolicyArns", 0..=POLICY_ARNS_MAX, ("arn", 20..=2048))?.unwrap_or_default();
        Ok(Self { inline, arns })
    }

    /// Checks them and looks up what they name; none if none were given.
    ///
    /// # Errors
    /// `MalformedPolicyDocument` for a document that is no session policy or a policy that does not exist in the
    /// account, `PackedPolicyTooLarge` for a longer text than sessions take.
    pub(super) async fn resolve(&self, doors: &Doors, account: AccountId) -> Result<Option<SessionPolicies>, ApiError> {
        if self.inline.is_none() && self.arns.is_empty() {
            return Ok(None);
        }
        if let Some(text) = &self.inline {
            if text.chars().count() > POLICY_CHARS_MAX {
                let message = format!("Session policies are limited to {POLICY_CHARS_MAX} characters.");
                return Err(ApiError::new(ErrorCode::PackedPolicyTooLarge, message));
            }
            Document::parse(Target::Session, text)
                .map_err(|malformed| ApiError::new(ErrorCode::MalformedPolicyDocument, malformed.message))?;
        }
        let mut managed: Vec<PolicyRef> = Vec::with_capacity(self.arns.len());
        for arn in &self.arns {
            let parsed =
                PolicyArn::parse(arn).ok_or_else(|| ApiError::validation(format!("ARN {arn} is not valid.")))?;
            let policy = doors.identity.policy_by_arn(account, &parsed).await?.ok_or_else(|| {
                let message = format!("The specified managed policy {arn} does not exist or is not attachable.");
                ApiError::new(ErrorCode::MalformedPolicyDocument, message)
            })?;
            managed.push(policy.reference());
        }
        Ok(Some(SessionPolicies { inline: self.inline.clone(), managed }))
    }
}

/// Session tags as the client gave them.
#[derive(Debug, Default)]
pub struct GivenTags {
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
}

impl GivenTags {
    /// Reads `Tags`, and `TransitiveTagKeys` if the operation has them.
    pub(super) fn read(fields: &mut Fields, with_transitive: bool) -> Result<Self, ApiError> {
        let tags = fields.text_pairs("Tags", ("Key", 1..=TAG_KEY_CHARS_MAX), ("Value", 0..=TAG_VALUE_CHARS_MAX))?;
        let transitive = match with_transitive {
            true => fields.texts("TransitiveTagKeys", 0..=TAGS_MAX, 1..=TAG_KEY_CHARS_MAX)?.unwrap_or_default(),
            false => Vec::new(),
        };
        let given = Self { tags: tags.unwrap_or_default(), transitive };
        given.check()?;
        Ok(given)
    }

    /// Checks the rules between them.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let mut keys: Vec<String> = self.tags.iter().map(|(key, _)| fold_key(key)).collect();
        if self.tags.len() > TAGS_MAX {
            return Err(ApiError::validation(format!("A session has at most {TAGS_MAX} tags.")));
        }
        let is_right = |text: &str| text.chars().all(is_tag_char);
        if !self.tags.iter().all(|(key, value)| is_right(key) && is_right(value)) {
            return Err(ApiError::validation("A tag has letters, digits, blanks and `_.:/=+-@`."));
        }
        if keys.iter().any(|key| key.starts_with("aws:")) {
            return Err(ApiError::validation("Tag keys with the prefix aws: are reserved for the service."));
        }
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::validation(message));
        }
        if self.transitive.iter().any(|key| keys.binary_search(&fold_key(key)).is_err()) {
            return Err(ApiError::validation(
                "The specified transitive tag key must be included in the requested tags.",
            ));
        }
        Ok(())
    }

    /// Adds the condition keys that they supply.
    pub(super) fn facts(&self, demand: &mut Demand) {
        tag_facts(&mut demand.facts, &self.tags);
        if !self.transitive.is_empty() {
            demand.facts.insert("sts:TransitiveTagKeys", self.transitive.clone());
        }
    }

    /// The tags of the new session: those that the calling session passes on, and these.
    ///
    /// # Errors
    /// `ValidationError` if one of these would take the place of one that is passed on.
    pub(super) fn join(
        &self,
        calling: Option<&SessionClaims>,
    ) -> Result<(BTreeMap<String, String>, BTreeSet<String>), ApiError> {
        let passed_on = |key: &String| calling.is_some_and(|calling| calling.transitive.contains(key));
        let inherited = calling.into_iter().flat_map(|calling| &calling.tags).filter(|(key, _)| passed_on(key));
        let mut tags: BTreeMap<String, String> = inherited.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut transitive: BTreeSet<String> = tags.keys().cloned().collect();
        let taken: Vec<String> = tags.keys().map(|key| fold_key(key)).collect();
        if self.tags.iter().any(|(key, _)| taken.contains(&fold_key(key))) {
            return Err(ApiError::validation(
                "One of the specified tag keys can't be set because it conflicts with a transitive tag key from the \
                 calling session.",
            ));
        }
        let is_transitive = |key: &str| self.transitive.iter().any(|other| fold_key(other) == fold_key(key));
        transitive.extend(self.tags.iter().map(|(key, _)| key).filter(|key| is_transitive(key)).cloned());
        tags.extend(self.tags.iter().cloned());
        if tags.len() > TAGS_MAX {
            return Err(ApiError::validation(format!("A session has at most {TAGS_MAX} tags.")));
        }
        Ok((tags, transitive))
    }
}

/// Reads `SerialNumber` and `TokenCode`; none if both are left out.
pub(super) fn second_factor(fields: &mut Fields) -> Result<Option<SecondFactor>, ApiError> {
    let serial_char = |c: char| c.is_ascii_alphanumeric() || "_+=/:,.@-".contains(c);
    let serial = fields.pattern_text("SerialNumber", 9..=256, "[\\w+=/:,.@-]*", serial_char)?;
    let code = fields.unrepeated_text("TokenCode", 6..=6, Some(("[\\d]*", |c| c.is_ascii_digit())))?;
    Ok((serial.is_some() || code.is_some()).then_some(SecondFactor { serial, code }))
}

/// Reads `MinimumSessionTokenSize`: how long the session token shall be at least.
pub(super) fn token_chars_min(fields: &mut Fields) -> Result<Option<i64>, ApiError> {
    fields.integer("MinimumSessionTokenSize", TOKEN_CHARS_MIN)
}

/// Reads a name of a session or of who is behind it.
pub(super) fn session_text(
    fields: &mut Fields,
    member: &str,
    chars: RangeInclusive<usize>,
) -> Result<Option<String>, ApiError> {
    let name_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    fields.pattern_text(member, chars, "[\\w+=,.@-]*", name_char)
}

/// Refuses members that would change what a session is and are not known here.
///
/// # Errors
/// `UnsupportedOperation`.
pub(super) fn refuse_unknown(fields: &Fields) -> Result<(), ApiError> {
    for name in ["ProvidedContexts", "ProviderId"] {
        if fields.raw().contains_key(name) {
            let message = format!("The parameter {name} is not supported.");
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, message));
        }
    }
    Ok(())
}

/// The access key that signed, as new claims name their source.
pub(super) fn source(caller: &Authenticated) -> Option<String> {
    Some(caller.access_key_id().to_owned())
}

/// Whether a text can say who is behind a session.
pub(super) fn is_source_identity(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

fn is_tag_char(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// Longest `Policy` that is read at all, in characters; the model names no limit for AssumeRole.
const POLICY_PARAMETER_CHARS_MAX: usize = 131_072;
/// Longest session policy, in characters ("IAM and AWS STS quotas" of the IAM user guide).
const POLICY_CHARS_MAX: usize = 2048;
/// How long clients may want a session token to be (`minimumSessionTokenSizeType` of the API model).
const TOKEN_CHARS_MIN: RangeInclusive<i64> = 0..=TOKEN_CHARS_MAX as i64;
/// Most managed session policies.
const POLICY_ARNS_MAX: usize = 10;
/// Most tags of a session, those that are passed on too.
const TAGS_MAX: usize = 50;
const TAG_KEY_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;
/// Seconds that a session of a user may live.
pub(super) const USER_DURATION_SECONDS: RangeInclusive<i64> = 900..=129_600;
/// Seconds that a session of a user lives if nothing is asked.
pub(super) const USER_DURATION_SECONDS_DEFAULT: i64 = 43_200;
/// Seconds that a session of a role may live, whatever the role says.
pub(super) const ROLE_DURATION_SECONDS: RangeInclusive<i64> = 900..=43_200;
/// Seconds that a session of a role lives if nothing is asked, and at most if a session made it; of root at most too.
pub(super) const HOUR_SECONDS: i64 = 3600;

#[cfg(test)]
mod tests;
