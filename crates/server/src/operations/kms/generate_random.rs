//! GenerateRandom: random bytes from the keeper.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>

use serde::Serialize;

use super::members;
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

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    plaintext: SecretText,
}

impl Operation for GenerateRandom {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "GenerateRandom", &["CustomKeyStoreId"]);
    /// The number of bytes.
    type Input = usize;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<usize, ApiError> {
        members::no_recipient(fields)?;
        let number = fields.integer("NumberOfBytes", 1..=1024)?;
        if fields.text("CustomKeyStoreId", 1..=64)?.is_some() {
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, "Custom key stores are not available."));
        }
        let number = number.ok_or_else(|| ApiError::validation("NumberOfBytes is required."))?;
        // A number out of range is a violation already noted; it never reaches `run`.
        Ok(usize::try_from(number).unwrap_or_default())
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &usize) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("kms:GenerateRandom")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let bytes = doors.keys.generate_random(*authorized.input()).await?;
        Ok(Outcome::answer(Output { plaintext: SecretText::base64(&bytes) }))
    }
}
