//! Policy documents on their way in and out: the checks of what is submitted, and the form of answers.
//!
//! Rule: "IAM and AWS STS quotas" (white space does not count); answers carry documents percent-encoded (RFC 3986).

use std::collections::BTreeMap;

use kanuki_policy::{Document, Malformed, MalformedCode, Target, size_without_white_space};
use kanuki_types::UniqueId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{PrincipalName, TrustPolicy},
};

/// A document as answers carry it.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Checks the document of an identity policy.
///
/// # Errors
/// `MalformedPolicyDocument` with the reason.
pub(super) fn check_identity(text: &str) -> Result<(), ApiError> {
    Document::parse(Target::Identity, text).map(drop).map_err(malformed)
}

/// Checks the document of a managed policy.
///
/// # Errors
/// As [`check_identity`]; `LimitExceeded` above [`MANAGED_SIZE_MAX`].
pub(super) fn check_managed(text: &str) -> Result<(), ApiError> {
    if size_without_white_space(text) > MANAGED_SIZE_MAX {
        return Err(over_size("PolicySize", MANAGED_SIZE_MAX));
    }
    check_identity(text)
}

/// Checks a trust policy and binds its principals to the ids that they have now.
///
/// # Errors
/// `MalformedPolicyDocument` for anything that does not parse or names a principal that does not exist;
/// `LimitExceeded` above [`TRUST_SIZE_MAX`].
pub(super) async fn read_trust(doors: &Doors, text: &str) -> Result<TrustPolicy, ApiError> {
    if size_without_white_space(text) > TRUST_SIZE_MAX || text.len() > TRUST_BYTES_MAX {
        return Err(over_size("ACLSizePerRole", TRUST_SIZE_MAX));
    }
    let document = Document::parse(Target::Trust, text).map_err(malformed)?;
    let mut principal_ids: BTreeMap<String, UniqueId> = BTreeMap::new();
    for name in document.named_principals() {
        match doors.identity.resolve_principal(name).await? {
            PrincipalName::Account => {}
            PrincipalName::Entity(id) => {
                principal_ids.insert(name.to_owned(), id);
            }
            PrincipalName::Unknown => {
                let message = format!("Invalid principal in policy: \"AWS\":\"{name}\"");
                return Err(ApiError::new(ErrorCode::MalformedPolicyDocument, message));
            }
        }
    }
    Ok(TrustPolicy { text: text.to_owned(), principal_ids })
}

/// Checks that the inline policies of an entity are not too large together.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_inline_size(
    policies: &BTreeMap<String, String>,
    quota: usize,
    (word, name): (&str, &str),
) -> Result<(), ApiError> {
    let size: usize = policies.values().map(|text| size_without_white_space(text)).sum();
    let bytes: usize = policies.iter().map(|(name, text)| name.len() + text.len()).sum();
    if size > quota || bytes > INLINE_BYTES_MAX {
        let message = format!("Maximum policy size of {quota} bytes exceeded for {word} {name}");
        return Err(ApiError::new(ErrorCode::LimitExceeded, message));
    }
    Ok(())
}

fn malformed(malformed: Malformed) -> ApiError {
    let code = match malformed.code {
        MalformedCode::LimitExceeded => ErrorCode::LimitExceeded,
        MalformedCode::MalformedPolicyDocument => ErrorCode::MalformedPolicyDocument,
    };
    ApiError::new(code, malformed.message)
}

fn over_size(quota: &str, most: usize) -> ApiError {
    ApiError::new(ErrorCode::LimitExceeded, format!("Cannot exceed quota for {quota}: {most}"))
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Largest managed policy, in characters without white space.
pub(super) const MANAGED_SIZE_MAX: usize = 6144;
/// Largest trust policy, in characters without white space.
pub(super) const TRUST_SIZE_MAX: usize = 2048;
/// Most bytes of a trust policy, white space too, so that lists of roles stay small.
const TRUST_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of all inline policies of an entity, white space too, so that its record stays small.
const INLINE_BYTES_MAX: usize = 384 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_carry_neither_blanks_nor_plus_signs() {
        assert_eq!(encoded("{\"a\": \"+~é\"}"), "%7B%22a%22%3A%20%22%2B~%C3%A9%22%7D");
    }

    #[test]
    fn white_space_counts_only_against_the_record() {
        let of = |text: String| BTreeMap::from([("p".to_owned(), text)]);
        let check = |text: String| check_inline_size(&of(text), 2048, ("user", "u"));
        check("a".repeat(2048) + &" ".repeat(100_000)).unwrap();
        let over = check("a".repeat(2049)).unwrap_err();
        assert_eq!(over.message(), Some("Maximum policy size of 2048 bytes exceeded for user u"));
        assert!(check(" ".repeat(INLINE_BYTES_MAX)).is_err());
    }
}
