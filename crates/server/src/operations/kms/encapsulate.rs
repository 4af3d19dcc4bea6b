//! Encapsulate: a fresh shared secret, in clear and encapsulated for the owner of a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encapsulate.html>

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
pub struct Encapsulate;

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
    shared_secret: SecretText,
    #[serde(with = "crate::base64_text")]
    shared_secret_ciphertext_blob: Vec<u8>,
    encapsulation_algorithm: &'static str,
}

impl Operation for Encapsulate {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Encapsulate", &["KeyId", "EncapsulationAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        members::encapsulation_algorithm(fields)?;
        Ok(Input { key_id: members::key_id(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:Encapsulate", name)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncapsulateDecapsulate, "Encapsulate")?;
        let (ciphertext, secret) = doors.keys.encapsulate(authorized.proof(), key).await?;
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            shared_secret: SecretText::base64(&secret),
            shared_secret_ciphertext_blob: ciphertext,
            encapsulation_algorithm: "ML_KEM",
        }))
    }
}
