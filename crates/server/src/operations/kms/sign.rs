//! Sign: a signature over a message of up to 4096 bytes, or over its digest.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>

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
pub struct Sign;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    message: Vec<u8>,
    message_type: MessageType,
    algorithm: SigningAlgorithm,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(with = "crate::base64_text")]
    signature: Vec<u8>,
    signing_algorithm: SigningAlgorithm,
}

impl Operation for Sign {
    const DESCRIPTOR: Descriptor = Descriptor {
        recorded_defaults: &[("MessageType", "RAW")],
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Sign", &["KeyId", "MessageType", "SigningAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let key_id = members::key_id(fields)?;
        let (message, message_type) = members::message(fields)?;
        let algorithm = members::signing_algorithm(fields)?;
        Ok(Input { key_id, message, message_type, algorithm })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:Sign", name)
                .with_fact("kms:SigningAlgorithm", input.algorithm.as_str())
                .with_fact("kms:MessageType", input.message_type.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::SignVerify, "Sign")?;
        let what =
            Signable { algorithm: input.algorithm, message_type: input.message_type, message: &input.message };
        let signature = doors.keys.sign(authorized.proof(), key, what).await?;
        let key_id = key.arn_text().to_owned();
        Ok(Outcome::answer(Output { key_id, signature, signing_algorithm: input.algorithm }))
    }
}
