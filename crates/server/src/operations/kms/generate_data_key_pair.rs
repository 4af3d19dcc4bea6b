//! GenerateDataKeyPair: a fresh key pair: its private half in clear and under a KMS key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html>

use std::sync::Arc;

use kanuki_types::{DataKeyPairSpec, EncryptionContext, KeyUsage, MaterialId};
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
pub struct GenerateDataKeyPair;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    pub(super) key_id: String,
    pub(super) spec: DataKeyPairSpec,
    pub(super) context: EncryptionContext,
    recipient: Option<RecipientRequest>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    private_key_ciphertext_blob: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_plaintext: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_for_recipient: Option<CiphertextForRecipient>,
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
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let recipient = recipient(fields)?;
        Ok(Input { recipient, ..parse(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        recipient_members::plan_on_key(doors, caller, &input.key_id, input.recipient.as_ref(), |name| {
            demand(input, "kms:GenerateDataKeyPair", name)
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, Target { key, recipient }) = (authorized.input(), authorized.target());
        let key = members::key(key)?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKeyPair")?;
        members::not_outside(key)?;
        let (proof, keys, context) = (authorized.proof(), &doors.keys, &input.context);
        let (pair, for_recipient) = match recipient {
            None => (keys.generate_data_key_pair(proof, key, input.spec, context, true).await?, None),
            Some(recipient) => {
                let (pair, enveloped) =
                    keys.generate_data_key_pair_for(proof, key, input.spec, context, recipient).await?;
                (pair, Some(CiphertextForRecipient(enveloped)))
            }
        };
        let output = Output {
            private_key_ciphertext_blob: pair.private_key_ciphertext,
            private_key_plaintext: pair.private_key.as_ref().map(SecretText::base64),
            ciphertext_for_recipient: for_recipient,
            public_key: pair.public_key,
            key_id: key.arn_text().to_owned(),
            key_pair_spec: input.spec,
            key_material_id: pair.material,
        };
        let data = members::material_event_data(key);
        Ok(Outcome::answer(output).with_event_data(event_data(data, recipient.as_ref())))
    }
}

/// Reads the input of both forms of the operation.
pub(super) fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
    members::grant_tokens(fields)?;
    let key_id = members::key_id(fields)?;
    let spec = members::data_key_pair_spec(fields)?;
    Ok(Input { key_id, spec, context: fields.encryption_context("EncryptionContext")?, recipient: None })
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
        .with_fact("kms:DataKeyPairSpec", input.spec.as_str())
        .with_fact("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
}

pub(super) const RECORDED: &[&str] = &["KeyId", "KeyPairSpec", "EncryptionContext"];
