//! Advice about the policy of a key.
//!
//! Not here: the advice; crate `policy` has it.

use kanuki_policy::{Target, findings};
use serde_json::json;

use super::{Done, Operator, access::find_key};
use crate::{error::ApiError, keys::finding_json};

/// Looks through a key's policy.
///
/// # Errors
/// If there is no such key, or if the store fails.
pub(super) async fn key_policy(operator: &Operator, key: &str) -> Result<Done, ApiError> {
    let key = find_key(operator, key).await?;
    let text = &key.record().policy.text;
    let found: Vec<_> = findings(Target::KeyPolicy, text).iter().map(finding_json).collect();
    Ok(Done::answer(json!({ "key": key.arn_text(), "findings": found })))
}
