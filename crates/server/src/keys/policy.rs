//! Key policies: the default, the checks on writing, and the ids that their principals had then.
//!
//! Rule: "Key policies in AWS KMS" of the developer guide. Not here: the lockout check, which is a decision.

use std::collections::BTreeMap;

use kanuki_policy::{Document, Finding, FindingKind, Target, findings};
use kanuki_types::{AccountId, PARTITION, UniqueId};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, ErrorCode},
    identity::{Identity, PrincipalName},
};

/// Longest key policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 32_768;

/// A key policy as it was submitted, with the ids that its principals had.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPolicy {
    /// The text, byte for byte.
    pub text: String,
    /// Unique id by ARN, so that a later principal of the same name inherits nothing.
    pub principal_ids: BTreeMap<String, UniqueId>,
}

/// The policy of a key that is made without one: the account decides through its identity policies.
#[must_use]
pub fn default_policy(account: AccountId) -> String {
    let root = format!("arn:{PARTITION}:iam::{account}:root");
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "{root}"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// A piece of advice about a policy, as it is shown and recorded.
#[must_use]
pub fn finding_json(finding: &Finding) -> serde_json::Value {
    let kind = match finding.kind {
        FindingKind::Error => "error",
        FindingKind::SecurityWarning => "security-warning",
        FindingKind::Suggestion => "suggestion",
        FindingKind::Warning => "warning",
    };
    serde_json::json!({
        "kind": kind,
        "code": finding.code,
        "details": finding.details,
        "statement": finding.statement.map(|index| index + 1),
    })
}

/// What a policy that is being stored should not say: errors and security warnings, each code once.
#[must_use]
pub fn warnings(text: &str) -> Vec<&'static str> {
    let found = findings(Target::KeyPolicy, text);
    let grave = found.iter().filter(|it| matches!(it.kind, FindingKind::Error | FindingKind::SecurityWarning));
    let codes: std::collections::BTreeSet<_> = grave.map(|finding| finding.code).collect();
    codes.into_iter().collect()
}

/// Checks a submitted policy and looks up its principals.
///
/// # Errors
/// `LimitExceededException` above [`POLICY_BYTES_MAX`], `MalformedPolicyDocumentException` for anything that does not
/// parse or names a principal that does not exist.
pub async fn read_policy(identity: &Identity, text: String) -> Result<(StoredPolicy, Document), ApiError> {
    if text.len() > POLICY_BYTES_MAX {
        let message = format!("The policy exceeds the maximum of {POLICY_BYTES_MAX} bytes.");
        return Err(ApiError::new(ErrorCode::LimitExceeded, message));
    }
    let document = Document::parse(Target::KeyPolicy, &text)
        .map_err(|malformed| ApiError::new(ErrorCode::MalformedPolicyDocument, malformed.message))?;
    let mut principal_ids = BTreeMap::new();
    for name in document.named_principals() {
        match identity.resolve_principal(name).await? {
            PrincipalName::Account => {}
            PrincipalName::Entity(id) => {
                principal_ids.insert(name.to_owned(), id);
            }
            PrincipalName::Unknown => {
                let message = "Policy contains a statement with one or more invalid principals.";
                return Err(ApiError::new(ErrorCode::MalformedPolicyDocument, message));
            }
        }
    }
    let document = document.bind(&principal_ids);
    Ok((StoredPolicy { text, principal_ids }, document))
}
