//! Encrypt: up to 4096 bytes under a KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>

use std::sync::Arc;

use kanuki_types::{EncryptionAlgorithm, EncryptionContext, KeyUsage, SecretBytes};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{How, KeyEntry, Names, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct Encrypt;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    plaintext: SecretBytes,
    context: EncryptionContext,
    algorithm: EncryptionAlgorithm,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    ciphertext_blob: Vec<u8>,
    key_id: String,
    encryption_algorithm: EncryptionAlgorithm,
}

impl Operation for Encrypt {
    const DESCRIPTOR: Descriptor = Descriptor {
        recorded_defaults: &[("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")],
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Encrypt", &["KeyId", "EncryptionAlgorithm", "EncryptionContext"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        Ok(Input {
            key_id: members::key_id(fields)?,
            plaintext: fields.required_secret("Plaintext", 1..=4096)?,
            context: fields.encryption_context("EncryptionContext")?,
            algorithm: members::encryption_algorithm(fields, "EncryptionAlgorithm")?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:Encrypt", name)
                .with_context(&input.context)
                .with_fact("kms:EncryptionAlgorithm", input.algorithm.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncryptDecrypt, "Encrypt")?;
        let how = How { algorithm: input.algorithm, context: &input.context };
        let blob = doors.keys.encrypt(authorized.proof(), key, &input.plaintext, how).await?;
        let output = Output {
            ciphertext_blob: blob,
            key_id: key.arn_text().to_owned(),
            encryption_algorithm: input.algorithm,
        };
        Ok(Outcome::answer(output).with_event_data(members::material_event_data(key)))
    }
}
