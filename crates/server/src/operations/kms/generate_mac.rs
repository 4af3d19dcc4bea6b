//! GenerateMac: a message authentication code over up to 4096 bytes.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html>

use std::sync::Arc;

use kanuki_types::{KeyUsage, MacAlgorithm};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GenerateMac;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    message: Vec<u8>,
    algorithm: MacAlgorithm,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    mac: Vec<u8>,
    mac_algorithm: MacAlgorithm,
    key_id: String,
}

impl Operation for GenerateMac {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "GenerateMac", &["KeyId", "MacAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let key_id = members::key_id(fields)?;
        let message = fields.required_blob("Message", 1..=4096)?;
        Ok(Input { key_id, message, algorithm: members::mac_algorithm(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:GenerateMac", name).with_fact("kms:MacAlgorithm", input.algorithm.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::GenerateVerifyMac, "GenerateMac")?;
        let mac = doors.keys.mac(authorized.proof(), key, input.algorithm, &input.message).await?;
        Ok(Outcome::answer(Output { mac, mac_algorithm: input.algorithm, key_id: key.arn_text().to_owned() }))
    }
}
