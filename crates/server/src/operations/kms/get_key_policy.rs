//! GetKeyPolicy: the policy of a key, byte for byte as it was put, but for principals that were deleted or renamed.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>

use std::sync::Arc;

use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, Names, StoredPolicy},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetKeyPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    policy_exists: bool,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy: String,
    policy_name: &'static str,
}

impl Operation for GetKeyPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GetKeyPolicy", &["KeyId", "PolicyName"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { key_id: members::key_id(fields)?, policy_exists: members::policy_name(fields)? })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:GetKeyPolicy", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        if !authorized.input().policy_exists {
            return Err(ApiError::new(ErrorCode::NotFound, "No such policy exists"));
        }
        let StoredPolicy { text, principal_ids } = &key.record().policy;
        let policy = doors.identity.shown_document(text, principal_ids).await?;
        Ok(Outcome::answer(Output { policy, policy_name: "default" }))
    }
}
