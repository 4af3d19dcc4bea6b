//! DeleteOpenIDConnectProvider: the account takes no more tokens of an identity provider.
//!
//! Not here: sessions that were made with its tokens; they live on until they expire or are revoked.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html>

use kanuki_store::Transaction;

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
pub struct DeleteOpenIdConnectProvider;

impl Operation for DeleteOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "DeleteOpenIDConnectProvider", &["OpenIDConnectProviderArn"]);
    type Input = String;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        oidc::arn(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, input).await?;
        let demand = provider.demand("iam:DeleteOpenIDConnectProvider");
        Ok(Plan::new(provider, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let mut change = Transaction::default();
        authorized.target().get()?.delete(&mut change);
        Ok(Outcome::silent_change(change))
    }
}
