//! RemoveClientIDFromOpenIDConnectProvider: one client less; one that is not there changes nothing.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html>

use super::oidc::{self, ClientInput, NamedProvider};
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
pub struct RemoveClientIdFromOpenIdConnectProvider;

impl Operation for RemoveClientIdFromOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "RemoveClientIDFromOpenIDConnectProvider", &["OpenIDConnectProviderArn", "ClientID"]);
    type Input = ClientInput;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<ClientInput, ApiError> {
        oidc::read_client(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ClientInput) -> Result<Plan<NamedProvider>, ApiError> {
        oidc::plan(doors, caller, &input.arn, "iam:RemoveClientIDFromOpenIDConnectProvider").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, provider) = (authorized.input(), authorized.target().get()?);
        let mut record = provider.record.clone();
        record.client_ids.retain(|client| *client != input.client);
        Ok(oidc::changed(provider, &record))
    }
}
