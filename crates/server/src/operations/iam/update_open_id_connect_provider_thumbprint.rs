//! UpdateOpenIDConnectProviderThumbprint: other fingerprints; they are kept for clients that ask, and trust does not hang on them.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateOpenIDConnectProviderThumbprint.html>

use super::oidc::{self, NamedProvider};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateOpenIdConnectProviderThumbprint;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    thumbprints: Vec<String>,
}

impl Operation for UpdateOpenIdConnectProviderThumbprint {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UpdateOpenIDConnectProviderThumbprint", &["OpenIDConnectProviderArn", "ThumbprintList"]);
    type Input = Input;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let thumbprints = oidc::thumbprints(fields)?;
        Ok(Input { arn: oidc::arn(fields)?, thumbprints: fields.require("ThumbprintList", thumbprints) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProvider>, ApiError> {
        oidc::plan(doors, caller, &input.arn, "iam:UpdateOpenIDConnectProviderThumbprint").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, provider) = (authorized.input(), authorized.target().get()?);
        let mut record = provider.record.clone();
        record.thumbprints = input.thumbprints.clone();
        Ok(oidc::changed(provider, &record))
    }
}
