//! Members that many operations of IAM share, and the refusals that they share.
//!
//! Rule: "IAM and AWS STS quotas" of the IAM user guide; the patterns of the API's model.

use kanuki_types::{AccountId, Arn, PARTITION};

use crate::{
    error::{ApiError, ErrorCode},
    identity::PolicyArn,
    wire::Fields,
};

/// The name of a new user or role, or of anything that is asked for by name.
pub(super) fn name(fields: &mut Fields, member: &str, chars_max: usize) -> Result<Option<String>, ApiError> {
    fields.pattern_text(member, 1..=chars_max, "[\\w+=,.@-]+", is_name_char)
}

/// A name that must be there.
pub(super) fn required_name(fields: &mut Fields, member: &str, chars_max: usize) -> Result<String, ApiError> {
    let name = name(fields, member, chars_max)?;
    Ok(fields.require(member, name))
}

/// The path of a new entity.
pub(super) fn path(fields: &mut Fields, member: &str) -> Result<Option<String>, ApiError> {
    fields.formed_text(member, 1..=PATH_CHARS_MAX, "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", is_path)
}

/// The path of a new managed policy.
pub(super) fn policy_path(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let is_policy_path = |text: &str| {
        let is_segment = |c: char| c.is_ascii_alphanumeric() || "/.,+@=_-".contains(c);
        is_path(text) && text.chars().all(is_segment) && !text.contains("//")
    };
    fields.formed_text("Path", 1..=PATH_CHARS_MAX, "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", is_policy_path)
}

/// The beginning of paths; everything if it is left out.
pub(super) fn path_prefix(fields: &mut Fields) -> Result<String, ApiError> {
    let is_prefix = |text: &str| text.starts_with('/') && is_path_text(text);
    let prefix = fields.formed_text("PathPrefix", 1..=PATH_CHARS_MAX, "\\u002F[\\u0021-\\u007F]*", is_prefix)?;
    Ok(prefix.unwrap_or_else(|| "/".into()))
}

/// The text of a policy that must be there.
pub(super) fn document(fields: &mut Fields, member: &str) -> Result<String, ApiError> {
    let text = optional_document(fields, member)?;
    Ok(fields.require(member, text))
}

/// The text of a policy.
pub(super) fn optional_document(fields: &mut Fields, member: &str) -> Result<Option<String>, ApiError> {
    fields.pattern_text(member, DOCUMENT_CHARS, DOCUMENT_PATTERN, is_document_char)
}

/// Whether the model lets a character stand in a policy.
pub(super) fn is_document_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

/// Free words that describe an entity.
pub(super) fn description(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a1}'..='\u{ff}');
    let pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*";
    fields.pattern_text("Description", 0..=DESCRIPTION_CHARS_MAX, pattern, allowed)
}

/// The ARN of a managed policy, as text.
pub(super) fn policy_arn(fields: &mut Fields, member: &str) -> Result<Option<String>, ApiError> {
    fields.text(member, ARN_CHARS)
}

/// Reads the ARN of a managed policy.
///
/// # Errors
/// `InvalidInput` for anything else.
pub(super) fn parse_policy_arn(text: &str) -> Result<PolicyArn, ApiError> {
    PolicyArn::parse(text).ok_or_else(|| malformed_arn(text))
}

/// Checks that a text is the ARN of an entity of IAM: of some account, without a Region, of the kind that the word says.
///
/// # Errors
/// `InvalidInput` for anything else.
pub(super) fn check_entity_arn(text: &str, word: &str) -> Result<(), ApiError> {
    let parsed = text.parse::<Arn>().ok().filter(|arn| {
        arn.partition == PARTITION
            && arn.service == "iam"
            && arn.region.is_empty()
            && arn.account.parse::<AccountId>().is_ok()
            && arn
                .resource
                .strip_prefix(word)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.is_empty())
    });
    parsed.map(drop).ok_or_else(|| malformed_arn(text))
}

fn malformed_arn(text: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."))
}

/// There is no such entity; `what` is the kind with its article left out.
pub(super) fn no_such(what: &str, name: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("The {what} with name {name} cannot be found."))
}

/// There is no such managed policy.
pub(super) fn no_such_policy(arn: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("Policy {arn} was not found."))
}

/// The name is taken.
pub(super) fn already_exists(what: &str, name: &str) -> ApiError {
    ApiError::new(ErrorCode::AlreadyExists, format!("{what} with name {name} already exists."))
}

/// Something hangs on what shall be deleted.
pub(super) fn delete_conflict(what: &str) -> ApiError {
    ApiError::new(ErrorCode::DeleteConflict, format!("Cannot delete entity, must {what} first."))
}

/// A quota of an entity is used up.
pub(super) fn over_quota(quota: &str, most: usize) -> ApiError {
    ApiError::new(ErrorCode::LimitExceeded, format!("Cannot exceed quota for {quota}: {most}"))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn is_path(text: &str) -> bool {
    text == "/" || (text.len() > 2 && text.starts_with('/') && text.ends_with('/') && is_path_text(text))
}

fn is_path_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Longest name of a user or role that is made, in characters.
pub(super) const NEW_NAME_CHARS_MAX: usize = 64;
/// Longest name of a user that is asked for, and of any group, policy or instance profile, in characters.
pub(super) const NAME_CHARS_MAX: usize = 128;
const PATH_CHARS_MAX: usize = 512;
const DESCRIPTION_CHARS_MAX: usize = 1000;
/// Length of a policy in a parameter, in characters; the quotas of entities are smaller, but count no white space.
pub(super) const DOCUMENT_CHARS: std::ops::RangeInclusive<usize> = 1..=131_072;
pub(super) const DOCUMENT_PATTERN: &str = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
/// Length of an ARN in a parameter, in characters.
pub(super) const ARN_CHARS: std::ops::RangeInclusive<usize> = 20..=2048;
