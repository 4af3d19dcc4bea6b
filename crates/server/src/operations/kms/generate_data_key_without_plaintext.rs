//! GenerateDataKeyWithoutPlaintext: a fresh data key, under a KMS key only.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html>

use std::sync::Arc;

use kanuki_types::{KeyUsage, MaterialId};
use serde::Serialize;

use super::{
    generate_data_key::{self, Input},
    members,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GenerateDataKeyWithoutPlaintext;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    ciphertext_blob: Vec<u8>,
    key_id: String,
    key_material_id: MaterialId,
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "GenerateDataKeyWithoutPlaintext", generate_data_key::RECORDED)
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        generate_data_key::parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        generate_data_key::plan(doors, caller, input, "kms:GenerateDataKeyWithoutPlaintext").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKeyWithoutPlaintext")?;
        let made = doors.keys.generate_data_key_without_plaintext(
            authorized.proof(),
            key,
            input.length,
            &input.context,
        );
        let (blob, material) = made.await?;
        let output =
            Output { ciphertext_blob: blob, key_id: key.arn_text().to_owned(), key_material_id: material };
        Ok(Outcome::answer(output).with_event_data(members::used_material_event_data(key, material)))
    }
}
