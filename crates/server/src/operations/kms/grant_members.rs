//! Members that operations on grants share, and grants as lists show them.

use kanuki_types::{EncryptionContext, KeyArn, PARTITION};
use serde::Serialize;
use serde_json::Value;

use crate::{
    authn::Authenticated,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{
        CONSTRAINT_PAIRS_MAX, CONSTRAINT_VALUE_CHARS_MAX, Epoch, GrantConstraints, GrantEntry, GrantId, GrantOperation,
        GrantPrincipal, GrantRecord, Page, find_principal,
    },
    wire::Fields,
};

/// A principal as a request names it, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Party {
    /// By an ARN.
    Principal(String),
    /// A service, by its name.
    Service(String),
}

/// Reads a principal that is named in one of two members.
pub(super) fn party(fields: &mut Fields, principal: &str, service: &str) -> Result<Option<Party>, ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    let by_arn = fields.pattern_text(principal, 1..=256, "^[\\w+=,.@:/-]+$", allowed)?;
    let pattern = "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$";
    let by_name = fields.formed_text(service, 1..=128, pattern, is_service_name)?;
    match (by_arn, by_name) {
        (Some(_), Some(_)) if !fields.has_violations() => {
            Err(ApiError::validation(format!("You cannot specify both {principal} and {service}.")))
        }
        (Some(arn), _) => Ok(Some(Party::Principal(arn))),
        (None, Some(name)) => Ok(Some(Party::Service(name))),
        (None, None) => Ok(None),
    }
}

/// Reads a principal that must be named.
pub(super) fn required_party(fields: &mut Fields, principal: &str, service: &str) -> Result<Party, ApiError> {
    match party(fields, principal, service)? {
        Some(party) => Ok(party),
        None if fields.has_violations() => Ok(Party::Principal(String::new())),
        None => Err(ApiError::validation(format!("You must specify either {principal} or {service}."))),
    }
}

/// Looks a principal up.
///
/// # Errors
/// `InvalidArnException` if there is no such.
pub(super) async fn find(doors: &Doors, party: &Party) -> Result<GrantPrincipal, ApiError> {
    match party {
        Party::Service(name) => Ok(GrantPrincipal::Service { name: name.clone() }),
        Party::Principal(arn) => {
            let found = find_principal(&doors.identity, arn).await?;
            found.ok_or_else(|| no_principal(arn))
        }
    }
}

/// The answer to an ARN that is nobody's.
pub(super) fn no_principal(arn: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidArn, format!("ARN does not refer to a valid principal: {arn}"))
}

/// Refuses to look for what only services may look for.
pub(super) fn only_for_services(caller: &Authenticated, party: Option<&Party>, member: &str) -> Result<(), ApiError> {
    match party {
        Some(Party::Service(_)) if caller.own_call().is_none() => {
            Err(ApiError::validation(format!("{member} can be used only by callers that are service principals.")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads a grant id.
///
/// # Errors
/// `InvalidGrantIdException` for a text that is none.
pub(super) fn grant_id(fields: &mut Fields) -> Result<Option<GrantId>, ApiError> {
    let text = fields.text("GrantId", 1..=128)?;
    match text {
        Some(text) if !fields.has_violations() => {
            let wrong = |_| ApiError::new(ErrorCode::InvalidGrantId, format!("Invalid grant ID '{text}'"));
            text.parse().map(Some).map_err(wrong)
        }
        _ => Ok(None),
    }
}

/// The answer to an id that no grant of the key has.
pub(super) fn no_grant(id: GrantId) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("Grant ID {id} not found"))
}

/// Reads the operations of a grant: at least one, each counted once.
pub(super) fn operations(fields: &mut Fields) -> Result<Vec<GrantOperation>, ApiError> {
    let given = fields.choices("Operations", GrantOperation::ALL, GrantOperation::as_str)?;
    let given = fields.require("Operations", given);
    let mut operations = Vec::with_capacity(given.len());
    for operation in given {
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    if operations.is_empty() && !fields.has_violations() {
        return Err(ApiError::validation("You must specify at least one operation."));
    }
    Ok(operations)
}

/// Reads the constraints of a grant.
pub(super) fn constraints(fields: &mut Fields) -> Result<GrantConstraints, ApiError> {
    let read = fields.structure("Constraints", |inner| {
        Ok(GrantConstraints {
            equals: pairs(inner, "EncryptionContextEquals")?,
            subset: pairs(inner, "EncryptionContextSubset")?,
            source_arn: inner.formed_text("SourceArn", 20..=512, SOURCE_ARN_PATTERN, is_source_arn)?,
        })
    })?;
    let constraints = read.unwrap_or_default();
    if !constraints.equals.is_empty() && !constraints.subset.is_empty() {
        return Err(ApiError::validation("More than one constraint supplied"));
    }
    Ok(constraints)
}

/// The pairs of a constraint as the context that condition keys see.
pub(super) fn as_context(constraints: &GrantConstraints) -> Result<EncryptionContext, ApiError> {
    // What was read as a context is one again.
    EncryptionContext::new(constraints.pairs().clone()).map_err(ApiError::internal)
}

fn pairs(fields: &mut Fields, name: &str) -> Result<std::collections::BTreeMap<String, String>, ApiError> {
    let pairs = fields.encryption_context(name)?.pairs().clone();
    if pairs.len() > CONSTRAINT_PAIRS_MAX {
        let message = format!("A grant constraint can have at most {CONSTRAINT_PAIRS_MAX} encryption context pairs.");
        return Err(ApiError::validation(message));
    }
    if pairs.values().any(|value| value.chars().count() > CONSTRAINT_VALUE_CHARS_MAX) {
        let message = format!(
            "A value of an encryption context pair in a grant constraint can have at most {CONSTRAINT_VALUE_CHARS_MAX} \
             characters."
        );
        return Err(ApiError::validation(message));
    }
    Ok(pairs)
}

fn is_service_name(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    text.split('.').count() >= SERVICE_NAME_LABELS_MIN && text.split('.').all(is_label)
}

fn is_source_arn(text: &str) -> bool {
    let all = |text: &str, digits_only: bool| {
        text.chars().all(|c| c.is_ascii_digit() || (!digits_only && (c.is_ascii_lowercase() || c == '-')))
    };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    *arn == "arn"
        && partition.strip_prefix(PARTITION).is_some_and(|rest| all(rest, false))
        && !service.is_empty()
        && all(service, false)
        && all(region, false)
        && account.len() == 12
        && all(account, true)
        && !resource.is_empty()
        && !resource.contains(['\n', '\r'])
}

/// A grant of a list.
///
/// Rule: `GrantListEntry` of the AWS KMS API reference; a grant without a name has an empty one, as the live service
/// answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GrantListEntry {
    key_id: String,
    grant_id: String,
    name: String,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantee_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantee_service_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_service_principal: Option<String>,
    issuing_account: String,
    operations: Vec<GrantOperation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<Value>,
}

impl GrantListEntry {
    fn of(arn: &KeyArn, id: GrantId, record: &GrantRecord) -> Self {
        let (grantee_principal, grantee_service_principal) = members_of(Some(&record.grantee));
        let (retiring_principal, retiring_service_principal) = members_of(record.retiring.as_ref());
        Self {
            key_id: arn.to_string(),
            grant_id: id.to_string(),
            name: record.name.clone().unwrap_or_default(),
            creation_date: Epoch(record.created),
            grantee_principal,
            grantee_service_principal,
            retiring_principal,
            retiring_service_principal,
            issuing_account: format!("arn:{PARTITION}:iam::{}:root", record.issuing_account),
            operations: record.terms.operations.clone(),
            constraints: record.terms.constraints.wire_form(),
        }
    }
}

/// A list of grants.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantList {
    grants: Vec<GrantListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl GrantList {
    pub(super) fn of(page: &Page<GrantEntry>) -> Self {
        let entry = |grant: &GrantEntry| GrantListEntry::of(grant.arn(), grant.id(), grant.record());
        let grants = page.items.iter().map(entry).collect();
        Self { grants, truncated: page.next.is_some(), next_marker: page.next.clone() }
    }
}

/// The members of a list entry that name a principal: by ARN, or by the name of a service.
fn members_of(principal: Option<&GrantPrincipal>) -> (Option<String>, Option<String>) {
    match principal {
        Some(GrantPrincipal::Service { name }) => (None, Some(name.clone())),
        Some(other) => (Some(other.text().to_owned()), None),
        None => (None, None),
    }
}

/// How many grants a page has if the client does not say, and at most.
pub(super) const PAGE_LIMIT_DEFAULT: usize = 50;
pub(super) const PAGE_LIMIT_MAX: usize = 100;
const SERVICE_NAME_LABELS_MIN: usize = 3;
const SOURCE_ARN_PATTERN: &str = "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_names() {
        for right in ["arn:aws:ec2:us-east-1:111122223333:volume/v", "arn:aws-cn:s3::111122223333:a:b"] {
            assert!(is_source_arn(right), "{right}");
        }
        for wrong in [
            "arn:aws:ec2:us-east-1:11112222333:volume/v",
            "arn:aws:EC2:us-east-1:111122223333:volume/v",
            "arn:aws:ec2:us-east-1:111122223333:",
            "arn:gov:ec2:us-east-1:111122223333:x",
            "arn:aws::us-east-1:111122223333:x",
            "urn:aws:ec2:us-east-1:111122223333:x",
        ] {
            assert!(!is_source_arn(wrong), "{wrong}");
        }
        assert!(is_service_name("logs.us-east-1.amazonaws.com") && is_service_name("ec2.amazonaws.com"));
        assert!(!is_service_name("amazonaws.com") && !is_service_name("a..com") && !is_service_name("a_b.c.d"));
    }
}
