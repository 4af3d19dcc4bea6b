//! Decapsulate: the shared secret that was encapsulated for a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html>

use std::sync::Arc;

use kanuki_types::KeyUsage;
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct Decapsulate;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    ciphertext: Vec<u8>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    shared_secret: SecretText,
    encapsulation_algorithm: &'static str,
}

impl Operation for Decapsulate {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Decapsulate", &["KeyId", "EncapsulationAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        members::encapsulation_algorithm(fields)?;
        let key_id = members::key_id(fields)?;
        Ok(Input { key_id, ciphertext: fields.required_blob("SharedSecretCiphertextBlob", 1..=6144)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:Decapsulate", name)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncapsulateDecapsulate, "Decapsulate")?;
        let secret = doors.keys.decapsulate(authorized.proof(), key, &input.ciphertext).await?;
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            shared_secret: SecretText::base64(&secret),
            encapsulation_algorithm: "ML_KEM",
        }))
    }
}
