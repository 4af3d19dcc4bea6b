//! UntagOpenIDConnectProvider: removes tags from an identity provider.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagOpenIDConnectProvider.html>

use kanuki_store::Transaction;

use super::{
    oidc::{self, NamedProvider},
    tags,
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
pub struct UntagOpenIdConnectProvider;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    keys: Vec<String>,
}

impl Operation for UntagOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "UntagOpenIDConnectProvider", &["OpenIDConnectProviderArn", "TagKeys"]);
    type Input = Input;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let keys = fields.texts("TagKeys", 0..=tags::TAGS_MAX, 1..=128)?;
        Ok(Input { arn: oidc::arn(fields)?, keys: fields.require("TagKeys", keys) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, &input.arn).await?;
        let mut demand = provider.demand("iam:UntagOpenIDConnectProvider");
        demand.facts.insert("aws:TagKeys", input.keys.clone());
        Ok(Plan::new(provider, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, provider) = (authorized.input(), authorized.target().get()?);
        let mut record = provider.record.clone();
        tags::remove(&mut record.tags, &input.keys);
        let mut change = Transaction::default();
        provider.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
