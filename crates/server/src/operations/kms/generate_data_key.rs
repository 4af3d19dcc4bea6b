//! GenerateDataKey: a fresh data key, in clear and under a KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>

use std::sync::Arc;

use kanuki_types::{EncryptionContext, KeyUsage, MaterialId};
use serde::Serialize;

use super::{
    members,
    recipient_members::{self, CiphertextForRecipient, Target, event_data, recipient},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, KeyName, Names, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    recipient::RecipientRequest,
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
    recipient: Option<RecipientRequest>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    ciphertext_blob: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_for_recipient: Option<CiphertextForRecipient>,
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for GenerateDataKey {
    const DESCRIPTOR: Descriptor =
        Descriptor { dry_run: true, ..Descriptor::reads(Service::Kms, "GenerateDataKey", RECORDED) };
    type Input = Input;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let recipient = recipient(fields)?;
        Ok(Input { recipient, ..parse(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        recipient_members::plan_on_key(doors, caller, &input.key_id, input.recipient.as_ref(), |name| {
            demand(input, "kms:GenerateDataKey", name)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, Target { key, recipient }) = (authorized.input(), authorized.target());
        let key = members::key(key)?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKey")?;
        let (proof, keys) = (authorized.proof(), &doors.keys);
        let (blob, plaintext, for_recipient, material) = match recipient {
            None => {
                let (blob, plaintext, material) =
                    keys.generate_data_key(proof, key, input.length, &input.context).await?;
                (blob, Some(SecretText::base64(&plaintext)), None, material)
            }
            Some(recipient) => {
                let (blob, enveloped, material) =
                    keys.generate_data_key_for(proof, key, input.length, &input.context, recipient).await?;
                (blob, None, Some(CiphertextForRecipient(enveloped)), material)
            }
        };
        let output = Output {
            ciphertext_blob: blob,
            plaintext,
            ciphertext_for_recipient: for_recipient,
            key_id: key.arn_text().to_owned(),
            key_material_id: recipient.is_none().then_some(material),
        };
        let data = members::used_material_event_data(key, material);
        Ok(Outcome::answer(output).with_event_data(event_data(data, recipient.as_ref())))
    }
}

/// Reads the input of both forms of the operation.
pub(super) fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
    members::grant_tokens(fields)?;
    Ok(Input {
        key_id: members::key_id(fields)?,
        context: fields.encryption_context("EncryptionContext")?,
        length: members::data_key_length(fields)?,
        recipient: None,
    })
}

/// Plans the form of the operation without a plaintext.
pub(super) async fn plan(
    doors: &Doors,
    caller: &Authenticated,
    input: &Input,
    action: &'static str,
) -> Result<Plan<Option<Arc<KeyEntry>>>, ApiError> {
    members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| demand(input, action, name)).await
}

fn demand(input: &Input, action: &'static str, name: &KeyName) -> Demand {
    Demand::on_name(action, name)
        .with_context(&input.context)
        .with_fact("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
}

pub(super) const RECORDED: &[&str] = &["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext"];
