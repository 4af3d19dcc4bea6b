//! GenerateDataKeyPair: a fresh key pair: its private half in clear and under a KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html>

use std::sync::Arc;

use kanuki_types::{DataKeyPairSpec, EncryptionContext, KeyUsage, MaterialId};
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
pub struct GenerateDataKeyPair;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    pub(super) key_id: String,
    pub(super) spec: DataKeyPairSpec,
    pub(super) context: EncryptionContext,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    private_key_ciphertext_blob: Vec<u8>,
    private_key_plaintext: Option<SecretText>,
    #[serde(with = "crate::base64_text")]
    public_key: Vec<u8>,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    key_material_id: MaterialId,
}

impl Operation for GenerateDataKeyPair {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "GenerateDataKeyPair", RECORDED)
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::no_recipient(fields)?;
        parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        plan(doors, caller, input, "kms:GenerateDataKeyPair").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKeyPair")?;
        members::not_outside(key)?;
        let pair =
            doors.keys.generate_data_key_pair(authorized.proof(), key, input.spec, &input.context, true).await?;
        let output = Output {
            private_key_ciphertext_blob: pair.private_key_ciphertext,
            private_key_plaintext: pair.private_key.as_ref().map(SecretText::base64),
            public_key: pair.public_key,
            key_id: key.arn_text().to_owned(),
            key_pair_spec: input.spec,
            key_material_id: pair.material,
        };
        Ok(Outcome::answer(output).with_event_data(members::material_event_data(key)))
    }
}

/// Reads the input of both forms of the operation.
pub(super) fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
    members::grant_tokens(fields)?;
    let key_id = members::key_id(fields)?;
    let spec = members::data_key_pair_spec(fields)?;
    Ok(Input { key_id, spec, context: fields.encryption_context("EncryptionContext")? })
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
            .with_fact("kms:DataKeyPairSpec", input.spec.as_str())
            .with_fact("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
    })
    .await
}

pub(super) const RECORDED: &[&str] = &["KeyId", "KeyPairSpec", "EncryptionContext"];
