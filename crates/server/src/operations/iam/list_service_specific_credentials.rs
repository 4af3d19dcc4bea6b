//! ListServiceSpecificCredentials: always empty: users here have no credentials for single services.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html>

use serde::Serialize;

use super::{
    absent,
    access_keys::{self, Whose},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListServiceSpecificCredentials;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user: Option<String>,
    service: Option<String>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    service_specific_credentials: Vec<()>,
    is_truncated: bool,
}

impl Operation for ListServiceSpecificCredentials {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListServiceSpecificCredentials", &["UserName", "ServiceName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = Whose;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input {
            user: absent::read_whose(fields, "ListServiceSpecificCredentials")?,
            service: fields.text("ServiceName", 0..=SERVICE_CHARS_MAX)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.user.as_ref(), "iam:ListServiceSpecificCredentials").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        if let Some(service) = authorized.input().service.as_deref().filter(|service| !SERVICES.contains(service)) {
            let message = format!("No such service {service} is supported for Service Specific Credentials.");
            return Err(ApiError::new(ErrorCode::NotSupportedService, message));
        }
        authorized.target().owner()?;
        Ok(Outcome::answer(Output { service_specific_credentials: Vec::new(), is_truncated: false }))
    }
}

/// The services that have such credentials at AWS.
const SERVICES: [&str; 3] = ["bedrock.amazonaws.com", "cassandra.amazonaws.com", "codecommit.amazonaws.com"];
/// Longest name of a service, in characters.
const SERVICE_CHARS_MAX: usize = 128;
