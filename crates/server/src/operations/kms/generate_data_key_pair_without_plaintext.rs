//! GenerateDataKeyPairWithoutPlaintext: a fresh key pair: its private half under a KMS key only.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html>

use std::sync::Arc;

use kanuki_types::{DataKeyPairSpec, KeyUsage, MaterialId};
use serde::Serialize;

use super::{
    generate_data_key_pair::{self, Input},
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
pub struct GenerateDataKeyPairWithoutPlaintext;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    private_key_ciphertext_blob: Vec<u8>,
    #[serde(with = "crate::base64_text")]
    public_key: Vec<u8>,
    key_id: String,
    key_pair_spec: DataKeyPairSpec,
    key_material_id: MaterialId,
}

impl Operation for GenerateDataKeyPairWithoutPlaintext {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "GenerateDataKeyPairWithoutPlaintext", generate_data_key_pair::RECORDED)
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        generate_data_key_pair::parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        generate_data_key_pair::plan(doors, caller, input, "kms:GenerateDataKeyPairWithoutPlaintext").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::EncryptDecrypt, "GenerateDataKeyPairWithoutPlaintext")?;
        members::not_outside(key)?;
        let pair =
            doors.keys.generate_data_key_pair(authorized.proof(), key, input.spec, &input.context, false).await?;
        let output = Output {
            private_key_ciphertext_blob: pair.private_key_ciphertext,
            public_key: pair.public_key,
            key_id: key.arn_text().to_owned(),
            key_pair_spec: input.spec,
            key_material_id: pair.material,
        };
        Ok(Outcome::answer(output).with_event_data(members::material_event_data(key)))
    }
}
