//! GetOpenIDConnectProvider: an identity provider, its URL without the scheme.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html>

use serde::Serialize;

use super::{
    oidc::{self, NamedProvider},
    shapes::instant,
    tags::{self, Tag},
};
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
pub struct GetOpenIdConnectProvider;

/// What the client gets.
#[derive(Debug, Serialize)]
pub struct Output {
    #[serde(rename = "Url")]
    url: String,
    #[serde(rename = "ClientIDList")]
    client_ids: Vec<String>,
    #[serde(rename = "ThumbprintList")]
    thumbprints: Vec<String>,
    #[serde(rename = "CreateDate")]
    create_date: String,
    #[serde(rename = "Tags")]
    tags: Vec<Tag>,
}

impl Operation for GetOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "GetOpenIDConnectProvider", &["OpenIDConnectProviderArn"]);
    type Input = String;
    type Target = NamedProvider;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        oidc::arn(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &String) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, input).await?;
        let demand = provider.demand("iam:GetOpenIDConnectProvider");
        Ok(Plan::new(provider, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let provider = authorized.target().get()?;
        Ok(Outcome::answer(Output {
            url: provider.host_and_path.clone(),
            client_ids: provider.record.client_ids.clone(),
            thumbprints: provider.record.thumbprints.clone(),
            create_date: instant(provider.record.created),
            tags: tags::listed(&provider.record.tags),
        }))
    }
}
