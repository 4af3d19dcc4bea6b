//! PutKeyPolicy: replaces the policy of a key as a whole.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use serde_json::{Value, json};

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Circumstances, Demand, keeps_control},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, Names, StoredPolicy, read_policy, warnings},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct PutKeyPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    policy: String,
    policy_exists: bool,
    bypass_lockout_check: Option<bool>,
}

impl Operation for PutKeyPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "PutKeyPolicy", &["KeyId"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let policy_exists = members::policy_name(fields)?;
        let policy = policy_text(fields)?;
        let policy = fields.require("Policy", policy);
        let bypass_lockout_check = fields.boolean("BypassPolicyLockoutSafetyCheck")?;
        Ok(Input { key_id, policy, policy_exists, bypass_lockout_check })
    }

    fn audit_parameters(input: &Input) -> Option<Value> {
        Some(json!({
            "keyId": input.key_id,
            "policyName": "default",
            "policy": input.policy,
            "bypassPolicyLockoutSafetyCheck": input.bypass_lockout_check.unwrap_or(false),
        }))
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            bypass_fact(Demand::on_name("kms:PutKeyPolicy", name), input.bypass_lockout_check)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        if !input.policy_exists {
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, "Only default policy is supported"));
        }
        let bypass = input.bypass_lockout_check.unwrap_or(false);
        let place = PolicyPlace { arn: key.arn(), key: Some(key) };
        let policy =
            checked_policy(doors, authorized.caller(), authorized.circumstances(), place, &input.policy, bypass).await?;
        let warnings = policy_warnings(key.arn_text(), &policy);
        let mut record = key.record().clone();
        record.policy = policy;
        let mut change = Transaction::default();
        key.update(&mut change, &record);
        Ok(Outcome::silent_change(change).with_event_data(warnings))
    }
}

/// Reads a policy document.
pub(super) fn policy_text(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    fields.pattern_text("Policy", 1..=131_072, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", allowed)
}

/// The condition key of the parameter, present when the parameter is.
pub(super) fn bypass_fact(demand: Demand, bypass: Option<bool>) -> Demand {
    match bypass {
        Some(bypass) => demand.with_fact("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string()),
        None => demand,
    }
}

/// Where a policy is to be put.
#[derive(Debug, Clone, Copy)]
pub(super) struct PolicyPlace<'a> {
    /// The key's ARN.
    pub(super) arn: &'a kanuki_types::KeyArn,
    /// The key, if it exists already.
    pub(super) key: Option<&'a Arc<KeyEntry>>,
}

/// What the audit record says of a policy that is stored although it should not be like that; the operator's log too.
fn policy_warnings(key: &str, policy: &StoredPolicy) -> serde_json::Value {
    let codes = warnings(&policy.text);
    if codes.is_empty() {
        return serde_json::Value::Null;
    }
    tracing::warn!(key, ?codes, "a key policy was stored that `kanuki lint` advises against");
    serde_json::json!({ "policyFindings": codes })
}

/// Checks a policy: its form, its principals, and that the caller could change it again.
pub(super) async fn checked_policy(
    doors: &Doors,
    caller: &Authenticated,
    circumstances: &Circumstances,
    place: PolicyPlace<'_>,
    text: &str,
    bypass_lockout_check: bool,
) -> Result<StoredPolicy, ApiError> {
    let bytes_max = doors.settings.limits.key_policy_bytes_max;
    if text.len() > bytes_max {
        let message = format!("The policy exceeds the maximum of {bytes_max} bytes.");
        return Err(ApiError::new(ErrorCode::LimitExceeded, message));
    }
    let (policy, document) = read_policy(&doors.identity, text.to_owned()).await?;
    if !bypass_lockout_check && !keeps_control(caller, circumstances, place.arn, place.key, document) {
        let message = "The new key policy will not allow you to update the key policy in the future.";
        return Err(ApiError::new(ErrorCode::MalformedPolicyDocument, message));
    }
    Ok(policy)
}
