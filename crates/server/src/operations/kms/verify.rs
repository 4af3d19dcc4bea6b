//! Verify: whether a signature is one of a message. It never answers no: what does not verify is an error.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html>

use std::sync::Arc;

use kanuki_types::{KeyUsage, MessageType, SigningAlgorithm};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, Signable, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct Verify;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    message: Vec<u8>,
    message_type: MessageType,
    signature: Vec<u8>,
    algorithm: SigningAlgorithm,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    signature_valid: bool,
    signing_algorithm: SigningAlgorithm,
}

impl Operation for Verify {
    const DESCRIPTOR: Descriptor = Descriptor {
        recorded_defaults: &[("MessageType", "RAW")],
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Verify", &["KeyId", "MessageType", "SigningAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let key_id = members::key_id(fields)?;
        let (message, message_type) = members::message(fields)?;
        let signature = fields.required_blob("Signature", 1..=6144)?;
        let algorithm = members::signing_algorithm(fields)?;
        Ok(Input { key_id, message, message_type, signature, algorithm })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:Verify", name)
                .with_fact("kms:SigningAlgorithm", input.algorithm.as_str())
                .with_fact("kms:MessageType", input.message_type.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::SignVerify, "Verify")?;
        let what =
            Signable { algorithm: input.algorithm, message_type: input.message_type, message: &input.message };
        doors.keys.verify(authorized.proof(), key, what, &input.signature).await?;
        let key_id = key.arn_text().to_owned();
        Ok(Outcome::answer(Output { key_id, signature_valid: true, signing_algorithm: input.algorithm }))
    }
}
