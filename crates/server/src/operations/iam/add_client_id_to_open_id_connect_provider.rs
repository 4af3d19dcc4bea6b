//! AddClientIDToOpenIDConnectProvider: one more client; one that is there already changes nothing.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html>

use kanuki_store::Transaction;

use super::oidc::{self, NamedProvider};
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

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    client: String,
}

impl Operation for AddClientIdToOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "AddClientIDToOpenIDConnectProvider", &["OpenIDConnectProviderArn", "ClientID"]);
    type Input = Input;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: oidc::arn(fields)?, client: fields.required_text("ClientID", oidc::CLIENT_ID_CHARS)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, &input.arn).await?;
        let demand = provider.demand("iam:AddClientIDToOpenIDConnectProvider");
        Ok(Plan::new(provider, demand))
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
        let mut change = Transaction::default();
        provider.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
