//! ListOpenIDConnectProviders: the ARNs of the account's identity providers.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviders.html>

use serde::Serialize;

use super::oidc;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListOpenIdConnectProviders;

/// What the client gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "OpenIDConnectProviderList")]
    providers: Vec<Listed>,
}

/// A provider in the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    arn: String,
}

impl Operation for ListOpenIdConnectProviders {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListOpenIDConnectProviders", &[]);
    type Input = ();
    type Target = ();
    type Output = Output;

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListOpenIDConnectProviders")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let account = authorized.caller().caller().account;
        let found = doors.identity.oidc_providers(account, oidc::PROVIDERS_MAX).await?;
        let providers = found.iter().map(|provider| Listed { arn: provider.arn() }).collect();
        Ok(Outcome::answer(Output { providers }))
    }
}
