//! ListOpenIDConnectProviderTags: the tags of an identity provider by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviderTags.html>

use serde::Serialize;

use super::{
    oidc::{self, NamedProvider},
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListOpenIdConnectProviderTags;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    tags: Vec<Tag>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListOpenIdConnectProviderTags {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListOpenIDConnectProviderTags", &["OpenIDConnectProviderArn", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = NamedProvider;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: oidc::arn(fields)?, page: PageRequest::read_items(fields, "ListOpenIDConnectProviderTags")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, &input.arn).await?;
        let demand = provider.demand("iam:ListOpenIDConnectProviderTags");
        Ok(Plan::new(provider, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (page, provider) = (&authorized.input().page, authorized.target().get()?);
        let tags = tags::listed(&provider.record.tags).into_iter();
        let tags = tags.filter(|tag| page.after.as_ref().is_none_or(|after| tag.key.as_bytes() > after.as_slice()));
        let found = page.page(tags.take(page.limit.saturating_add(1)).collect(), |tag| tag.key.clone().into_bytes());
        Ok(Outcome::answer(Output { tags: found.items, is_truncated: found.next.is_some(), marker: found.next }))
    }
}
