//! AddClientIDToOpenIDConnectProvider: one more client; one that is there already changes nothing.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html>

use super::oidc::{self, ClientInput, NamedProvider};
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
pub struct AddClientIdToOpenIdConnectProvider;

impl Operation for AddClientIdToOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "AddClientIDToOpenIDConnectProvider", &["OpenIDConnectProviderArn", "ClientID"]);
    type Input = ClientInput;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<ClientInput, ApiError> {
        oidc::read_client(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ClientInput) -> Result<Plan<NamedProvider>, ApiError> {
        oidc::plan(doors, caller, &input.arn, "iam:AddClientIDToOpenIDConnectProvider").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, provider) = (authorized.input(), authorized.target().get()?);
        let mut record = provider.record.clone();
        if !record.client_ids.contains(&input.client) {
            record.client_ids.push(input.client.clone());
        }
        if record.client_ids.len() > oidc::CLIENT_IDS_MAX {
            let message = format!("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {}", oidc::CLIENT_IDS_MAX);
            return Err(ApiError::new(ErrorCode::LimitExceeded, message));
        }
        Ok(oidc::changed(provider, &record))
    }
}
