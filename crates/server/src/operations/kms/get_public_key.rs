//! GetPublicKey: the public half of a key pair.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html>

use std::sync::Arc;

use kanuki_types::{KeySpec, KeyState, KeyUsage};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{Algorithms, KeyEntry, Names, check_state, is_asymmetric, old_name},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetPublicKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(with = "crate::base64_text")]
    public_key: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_master_key_spec: Option<KeySpec>,
    key_spec: KeySpec,
    key_usage: KeyUsage,
    #[serde(flatten)]
    algorithms: Algorithms,
}

impl Operation for GetPublicKey {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GetPublicKey", &["KeyId"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        Ok(Input { key_id: members::key_id(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Described, |name| {
            Demand::on_name("kms:GetPublicKey", name)
        })
        .await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;

        let record = key.record();
        let current = record.materials.iter().find(|material| record.current_material == Some(material.id));
        let public_key = current.and_then(|material| material.public_key.as_ref()).ok_or_else(|| {
            if is_asymmetric(record.spec) {
                // Nothing was imported yet, so there is nothing to tell.
                return ApiError::new(ErrorCode::InvalidState, format!("{} is pending import.", key.arn_text()));
            }
            let message = format!("{} has no public key.", key.arn_text());
            ApiError::new(ErrorCode::UnsupportedOperation, message)
        })?;
        check_state(key, PUBLIC)?;
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            public_key: public_key.0.clone(),
            customer_master_key_spec: old_name(record.spec),
            key_spec: record.spec,
            key_usage: record.usage,
            algorithms: Algorithms::of(record),
        }))
    }
}

/// The states in which the public half is told: a key that is switched off can still be verified against.
const PUBLIC: &[KeyState] = &[KeyState::Disabled, KeyState::Enabled, KeyState::PendingImport, KeyState::Updating];
