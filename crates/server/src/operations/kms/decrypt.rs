//! Decrypt: opens a ciphertext under the KMS key that it names.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>

use kanuki_types::{EncryptionAlgorithm, EncryptionContext, KeyArn, KeyUsage, MaterialId};
use serde::Serialize;
use serde_json::Value;

use super::{
    members,
    recipient_members::{CiphertextForRecipient, Target, attested, event_data, recipient},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    custom_key_stores::named_key,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{How, KeyEntry, KeyName, Names, is_asymmetric},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    recipient::{Recipient, RecipientRequest},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct Decrypt;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    /// None if a dry run leaves it aside.
    ciphertext: Option<Vec<u8>>,
    context: EncryptionContext,
    key_id: Option<String>,
    algorithm: EncryptionAlgorithm,
    recipient: Option<RecipientRequest>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_for_recipient: Option<CiphertextForRecipient>,
    encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<MaterialId>,
}

impl Operation for Decrypt {
    const DESCRIPTOR: Descriptor = Descriptor {
        recorded_defaults: &[("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")],
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "Decrypt", &["KeyId", "EncryptionAlgorithm", "EncryptionContext"])
    };
    type Input = Input;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let ignores_ciphertext = members::ignores_ciphertext(fields)?;
        let key_id = members::optional_key_id(fields, "KeyId")?;
        if ignores_ciphertext {
            fields.require("KeyId", key_id.clone());
        }
        Ok(Input {
            ciphertext: members::ciphertext(fields, ignores_ciphertext)?,
            context: fields.encryption_context("EncryptionContext")?,
            key_id,
            algorithm: members::encryption_algorithm(fields, "EncryptionAlgorithm")?,
            recipient: recipient(fields)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let (name, by_ciphertext) =
            source_key(doors, caller, input.key_id.as_deref(), input.ciphertext.as_deref()).await?;
        let recipient = Recipient::verify(doors, input.recipient.as_ref()).await?;
        let demand = Demand::on_name("kms:Decrypt", &name)
            .with_context(&input.context)
            .with_fact("kms:EncryptionAlgorithm", input.algorithm.as_str());
        let mut demand = attested(demand, recipient.as_ref());
        if by_ciphertext {
            demand = demand.named_by_ciphertext();
        }
        Ok(Plan::new(Target { key: members::found(name), recipient }, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, Target { key, recipient }) = (authorized.input(), authorized.target());
        let key = members::key(key)?;
        let Some(ciphertext) = &input.ciphertext else { return Ok(Outcome::authorized_only()) };
        check_source(key, ciphertext)?;
        let how = How { algorithm: input.algorithm, context: &input.context };
        let proof = authorized.proof();
        let (plaintext, for_recipient, material) = match recipient {
            None => {
                let (plaintext, material) = doors.keys.decrypt(proof, key, ciphertext, how).await?;
                (Some(SecretText::base64(&plaintext)), None, material)
            }
            Some(recipient) => {
                let (made, material) = doors.keys.decrypt_for(proof, key, ciphertext, how, recipient).await?;
                (None, Some(CiphertextForRecipient(made.enveloped)), material)
            }
        };
        let output = Output {
            key_id: key.arn_text().to_owned(),
            plaintext,
            ciphertext_for_recipient: for_recipient,
            encryption_algorithm: input.algorithm,
            key_material_id: material.filter(|_| recipient.is_none()),
        };
        let data = material.map_or(Value::Null, |material| members::used_material_event_data(key, material));
        Ok(Outcome::answer(output).with_event_data(event_data(data, recipient.as_ref())))
    }
}

/// The key that opens a ciphertext: the one that the client names, else the one that the ciphertext names. Answers also
/// whether it was the ciphertext that named it.
pub(super) async fn source_key(
    doors: &Doors,
    caller: &Authenticated,
    key_id: Option<&str>,
    ciphertext: Option<&[u8]>,
) -> Result<(KeyName, bool), ApiError> {
    if let Some(key_id) = key_id {
        return Ok((members::resolve(doors, caller, key_id, Names::KeysAndAliases).await?, false));
    }
    let header = ciphertext.and_then(named_key);
    let header = header.ok_or_else(|| ApiError::bare(ErrorCode::InvalidCiphertext))?;
    let arn = KeyArn { account: header.account, region: caller.region().clone(), key_id: header.key_id };
    let name = match doors.keys.get(&arn).await? {
        Some(entry) => KeyName::Found { entry, alias: None },
        None => KeyName::Hidden { account: arn.account, arn: arn.to_string() },
    };
    Ok((name, true))
}

/// Checks that a key may open a ciphertext: it is for decryption, and the ciphertext names it if it names any.
pub(super) fn check_source(key: &KeyEntry, ciphertext: &[u8]) -> Result<(), ApiError> {
    let incorrect = || {
        let message = "The key ID in the request does not identify a CMK that can perform this operation.";
        ApiError::new(ErrorCode::IncorrectKey, message)
    };
    if key.record().usage != KeyUsage::EncryptDecrypt {
        return Err(incorrect());
    }
    if is_asymmetric(key.record().spec) {
        return Ok(());
    }
    let header = named_key(ciphertext).ok_or_else(|| ApiError::bare(ErrorCode::InvalidCiphertext))?;
    let same = header.account == key.arn().account && header.key_id == key.arn().key_id;
    if same { Ok(()) } else { Err(incorrect()) }
}
