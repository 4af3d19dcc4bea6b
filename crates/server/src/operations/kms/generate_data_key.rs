//! GenerateDataKey: a fresh data key, in clear and under a KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>

use std::sync::Arc;

use kanuki_types::{EncryptionContext, KeyUsage, MaterialId};
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
pub struct GenerateDataKey;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    pub(super) key_id: String,
    pub(super) context: EncryptionContext,
    pub(super) length: usize,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    ciphertext_blob: Vec<u8>,
    plaintext: SecretText,
    key_id: String,
    key_material_id: MaterialId,
}

impl Operation for GenerateDataKey {
    const DESCRIPTOR: Descriptor =
        Descriptor { dry_run: true, ..Descriptor::reads(Service::Kms, "GenerateDataKey", RECORDED) };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::no_recipient(fields)?;
        parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        plan(doors, caller, input, "kms:GenerateDataKey").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKey")?;
        let (blob, plaintext, material) =
            doors.keys.generate_data_key(authorized.proof(), key, input.length, &input.context).await?;
        let output = Output {
            ciphertext_blob: blob,
            plaintext: SecretText::base64(&plaintext),
            key_id: key.arn_text().to_owned(),
            key_material_id: material,
        };
        Ok(Outcome::answer(output).with_event_data(members::used_material_event_data(key, material)))
    }
}

/// Reads the input of both forms of the operation.
pub(super) fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
    members::grant_tokens(fields)?;
    Ok(Input {
        key_id: members::key_id(fields)?,
        context: fields.encryption_context("EncryptionContext")?,
        length: members::data_key_length(fields)?,
    })
}

/// Plans both forms of the operation.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    input: &Input,
    action: &'static str,
) -> Result<Plan<Option<Arc<KeyEntry>>>, ApiError> {
    members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
        Demand::on_name(action, name)
            .with_context(&input.context)
            .with_fact("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
    })
    .await
}

pub(super) const RECORDED: &[&str] = &["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext"];
