//! GenerateRandom: random bytes from the keeper.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>

use serde::Serialize;
use serde_json::Value;

use super::{
    custom_key_store_members,
    recipient_members::{CiphertextForRecipient, attested, event_data, recipient},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    custom_key_stores::{Act, check_connection},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    recipient::{Recipient, RecipientRequest},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GenerateRandom;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    length: usize,
    custom_key_store_id: Option<String>,
    recipient: Option<RecipientRequest>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_for_recipient: Option<CiphertextForRecipient>,
}

impl Operation for GenerateRandom {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GenerateRandom", &["CustomKeyStoreId"]);
    type Input = Input;
    type Target = Option<Recipient>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let recipient = recipient(fields)?;
        let number = fields.integer("NumberOfBytes", 1..=1024)?;
        let custom_key_store_id = fields.text("CustomKeyStoreId", 1..=64)?;
        let number = number.ok_or_else(|| ApiError::validation("NumberOfBytes is required."))?;
        // A number out of range is a violation already noted; it never reaches `run`.
        Ok(Input { length: usize::try_from(number).unwrap_or_default(), custom_key_store_id, recipient })
    }

    async fn plan(doors: &Doors, _: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let recipient = Recipient::verify(doors, input.recipient.as_ref()).await?;
        let demand = attested(Demand::on_any("kms:GenerateRandom"), recipient.as_ref());
        Ok(Plan::new(recipient, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { length, custom_key_store_id, .. } = authorized.input();
        if let Some(id) = custom_key_store_id {
            return in_store(doors, authorized, id).await;
        }
        let length = *length;
        let Some(recipient) = authorized.target() else {
            let plaintext = Some(SecretText::base64(&doors.keys.generate_random(length).await?));
            return Ok(Outcome::answer(Output { plaintext, ciphertext_for_recipient: None }));
        };
        let made = doors.keys.generate_random_for(length, recipient).await?;
        let for_recipient = Some(CiphertextForRecipient(made.enveloped));
        let output = Output { plaintext: None, ciphertext_for_recipient: for_recipient };
        Ok(Outcome::answer(output).with_event_data(event_data(Value::Null, Some(recipient))))
    }
}

/// Random bytes of a custom key store: only tokens make any.
async fn in_store(
    doors: &Doors,
    authorized: &Authorized<GenerateRandom>,
    id: &str,
) -> Result<Outcome<Output>, ApiError> {
    let (_, store) = custom_key_store_members::find(doors, authorized.caller(), id).await?;
    if store.cluster_id().is_none() {
        let message = format!("The custom key store {} makes no random bytes.", store.record().id);
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, message));
    }
    if authorized.target().is_some() {
        let message = "The Recipient parameter is not supported for custom key stores.";
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, message));
    }
    check_connection(store.record(), Act::GenerateRandom)?;
    let bytes = doors.custom_key_stores.random(&store, authorized.input().length).await?;
    let plaintext = Some(SecretText::base64(&bytes));
    let outcome = Outcome::answer(Output { plaintext, ciphertext_for_recipient: None });
    Ok(outcome.with_event_data(custom_key_store_members::event_data(&store)))
}
