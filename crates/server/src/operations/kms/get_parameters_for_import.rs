//! GetParametersForImport: a key under which material is wrapped on its way in, and the token that goes with it.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html>

use std::sync::Arc;

use kanuki_types::{KeyState, WrappingAlgorithm, WrappingKeySpec};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, KeyEntry, Names, check_imports, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetParametersForImport;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    algorithm: WrappingAlgorithm,
    wrapping_key_spec: WrappingKeySpec,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_id: String,
    #[serde(with = "crate::base64_text")]
    import_token: Vec<u8>,
    #[serde(with = "crate::base64_text")]
    public_key: Vec<u8>,
    parameters_valid_to: Epoch,
}

impl Operation for GetParametersForImport {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Kms, "GetParametersForImport", &["KeyId", "WrappingAlgorithm", "WrappingKeySpec"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let algorithm = fields.choice("WrappingAlgorithm", WrappingAlgorithm::ALL, WrappingAlgorithm::as_str)?;
        let spec = fields.choice("WrappingKeySpec", WrappingKeySpec::ALL, WrappingKeySpec::as_str)?;
        // The stand-ins for absent ones never get out: their absence is a violation.
        let algorithm = fields.require_or("WrappingAlgorithm", algorithm, WrappingAlgorithm::RsaesOaepSha256);
        let wrapping_key_spec = fields.require_or("WrappingKeySpec", spec, WrappingKeySpec::Rsa4096);
        Ok(Input { key_id, algorithm, wrapping_key_spec })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| {
            Demand::on_name("kms:GetParametersForImport", name)
                .with_fact("kms:WrappingAlgorithm", input.algorithm.as_str())
                .with_fact("kms:WrappingKeySpec", input.wrapping_key_spec.as_str())
        })
        .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_imports(key)?;
        check_state(key, PREPARING)?;
        let Input { algorithm, wrapping_key_spec, .. } = *authorized.input();
        let valid_to = doors.clock.now().plus_seconds(TOKEN_SECONDS);
        let wrapping = (algorithm, wrapping_key_spec);
        let (import_token, public_key) =
            doors.keys.import_parameters(authorized.proof(), key, wrapping, valid_to).await?;
        Ok(Outcome::answer(Output {
            key_id: key.arn_text().to_owned(),
            import_token,
            public_key,
            parameters_valid_to: Epoch(valid_to),
        }))
    }
}

/// The states in which an import can be prepared.
const PREPARING: &[KeyState] = &[KeyState::Disabled, KeyState::Enabled, KeyState::PendingImport];
/// How long a token is good. Rule: `ParametersValidTo` of the API page.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;
