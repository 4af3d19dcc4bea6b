//! VerifyMac: whether a code is one of a message. It never answers no: what does not verify is an error.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html>

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
pub struct VerifyMac;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    message: Vec<u8>,
    mac: Vec<u8>,
    algorithm: MacAlgorithm,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    mac_valid: bool,
    mac_algorithm: MacAlgorithm,
}

impl Operation for VerifyMac {
    const DESCRIPTOR: Descriptor = Descriptor {
        dry_run: true,
        ..Descriptor::reads(Service::Kms, "VerifyMac", &["KeyId", "MacAlgorithm"])
    };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let key_id = members::key_id(fields)?;
        let message = fields.required_blob("Message", 1..=4096)?;
        let mac = fields.required_blob("Mac", 1..=6144)?;
        Ok(Input { key_id, message, mac, algorithm: members::mac_algorithm(fields)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::KeysAndAliases, |name| {
            Demand::on_name("kms:VerifyMac", name).with_fact("kms:MacAlgorithm", input.algorithm.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let key = members::key(authorized.target())?;
        check_usage(key, KeyUsage::GenerateVerifyMac, "VerifyMac")?;
        doors.keys.verify_mac(authorized.proof(), key, input.algorithm, &input.message, &input.mac).await?;
        let key_id = key.arn_text().to_owned();
        Ok(Outcome::answer(Output { key_id, mac_valid: true, mac_algorithm: input.algorithm }))
    }
}
