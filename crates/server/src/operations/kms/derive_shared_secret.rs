//! DeriveSharedSecret: the raw secret that two key pairs on one curve have in common.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html>

use kanuki_types::{KeyUsage, Origin};
use serde::Serialize;
use serde_json::Value;

use super::{
    members,
    recipient_members::{CiphertextForRecipient, Target, event_data, plan_on_key, recipient},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::check_usage,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    recipient::RecipientRequest,
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeriveSharedSecret;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    public_key: Vec<u8>,
    recipient: Option<RecipientRequest>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_secret: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_for_recipient: Option<CiphertextForRecipient>,
    key_agreement_algorithm: &'static str,
    key_origin: Origin,
}

impl Operation for DeriveSharedSecret {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "DeriveSharedSecret", &["KeyId", "KeyAgreementAlgorithm"])
    };
    type Input = Input;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let recipient = recipient(fields)?;
        let key_id = members::key_id(fields)?;
        let algorithm = fields.choice("KeyAgreementAlgorithm", &["ECDH"], |name| name)?;
        fields.require("KeyAgreementAlgorithm", algorithm);
        Ok(Input { key_id, public_key: fields.required_blob("PublicKey", 1..=8192)?, recipient })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        plan_on_key(doors, caller, &input.key_id, input.recipient.as_ref(), |name| {
            Demand::on_name("kms:DeriveSharedSecret", name).with_fact("kms:KeyAgreementAlgorithm", "ECDH")
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, Target { key, recipient }) = (authorized.input(), authorized.target());
        let key = members::key(key)?;
        check_usage(key, KeyUsage::KeyAgreement, "DeriveSharedSecret")?;
        let (proof, keys, peer) = (authorized.proof(), &doors.keys, &input.public_key);
        let (shared_secret, ciphertext_for_recipient) = match recipient {
            None => (Some(SecretText::base64(&keys.derive_shared_secret(proof, key, peer).await?)), None),
            Some(recipient) => {
                let made = keys.derive_shared_secret_for(proof, key, peer, recipient).await?;
                (None, Some(CiphertextForRecipient(made.enveloped)))
            }
        };
        let output = Output {
            key_id: key.arn_text().to_owned(),
            shared_secret,
            ciphertext_for_recipient,
            key_agreement_algorithm: "ECDH",
            key_origin: key.record().origin,
        };
        Ok(Outcome::answer(output).with_event_data(event_data(Value::Null, recipient.as_ref())))
    }
}
