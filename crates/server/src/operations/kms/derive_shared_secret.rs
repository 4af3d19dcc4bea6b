//! DeriveSharedSecret: the raw secret that two key pairs on one curve have in common.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html>

use std::sync::Arc;

use kanuki_types::{KeyUsage, Origin};
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
pub struct DeriveSharedSecret;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    public_key: Vec<u8>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    shared_secret: SecretText,
    key_agreement_algorithm: &'static str,
    key_origin: Origin,
}

impl Operation for DeriveSharedSecret {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "DeriveSharedSecret", &["KeyId", "KeyAgreementAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        members::no_recipient(fields)?;
        let key_id = members::key_id(fields)?;
        let algorithm = fields.choice("KeyAgreementAlgorithm", &["ECDH"], |name| name)?;
        fields.require("KeyAgreementAlgorithm", algorithm);
        Ok(Input { key_id, public_key: fields.required_blob("PublicKey", 1..=8192)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:DeriveSharedSecret", name).with_fact("kms:KeyAgreementAlgorithm", "ECDH")
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::KeyAgreement, "DeriveSharedSecret")?;
        let secret = doors.keys.derive_shared_secret(authorized.proof(), key, &input.public_key).await?;
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            shared_secret: SecretText::base64(&secret),
            key_agreement_algorithm: "ECDH",
            key_origin: key.record().origin,
        }))
    }
}
