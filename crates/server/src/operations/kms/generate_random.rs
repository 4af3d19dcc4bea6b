//! GenerateRandom: random bytes from the keeper.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>

use serde::Serialize;

use super::{custom_key_store_members, members};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GenerateRandom;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    number: usize,
    custom_key_store_id: Option<String>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    plaintext: SecretText,
}

impl Operation for GenerateRandom {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GenerateRandom", &["CustomKeyStoreId"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::no_recipient(fields)?;
        let number = fields.integer("NumberOfBytes", 1..=1024)?;
        let custom_key_store_id = fields.text("CustomKeyStoreId", 1..=64)?;
        let number = number.ok_or_else(|| ApiError::validation("NumberOfBytes is required."))?;
        // A number out of range is a violation already noted; it never reaches `run`.
        Ok(Input { number: usize::try_from(number).unwrap_or_default(), custom_key_store_id })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:GenerateRandom")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        if let Some(id) = &input.custom_key_store_id {
            return in_store(doors, authorized, id).await;
        }
        let bytes = doors.keys.generate_random(input.number).await?;
        Ok(Outcome::answer(Output { plaintext: SecretText::base64(&bytes) }))
    }
}

/// Random bytes of a custom key store: only tokens make any.
async fn in_store(
    doors: &Doors,
    authorized: &Authorized<GenerateRandom>,
    id: &str,
) -> Result<Outcome<Output>, ApiError> {
    let (_, store) = custom_key_store_members::find(doors, authorized.caller(), id).await?;
    let message = format!("The custom key store {} makes no random bytes.", store.record().id);
    Err(ApiError::new(ErrorCode::UnsupportedOperation, message))
}
