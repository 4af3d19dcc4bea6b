//! TagOpenIDConnectProvider: adds tags to an identity provider.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagOpenIDConnectProvider.html>

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
pub struct TagOpenIdConnectProvider;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    tags: Vec<(String, String)>,
}

impl Operation for TagOpenIdConnectProvider {
    const DESCRIPTOR: Descriptor =
        Descriptor::changes(Service::Iam, "TagOpenIDConnectProvider", &["OpenIDConnectProviderArn", "Tags"]);
    type Input = Input;
    type Target = NamedProvider;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let tags = tags::read(fields)?;
        Ok(Input { arn: oidc::arn(fields)?, tags: fields.require("Tags", tags) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProvider>, ApiError> {
        let provider = NamedProvider::find(doors, caller, &input.arn).await?;
        let mut demand = provider.demand("iam:TagOpenIDConnectProvider");
        tags::facts(&mut demand.facts, &input.tags);
        Ok(Plan::new(provider, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let (input, provider) = (authorized.input(), authorized.target().get()?);
        let mut record = provider.record.clone();
        tags::add(&mut record.tags, &input.tags, "TagsPerOpenIDConnectProvider")?;
        let mut change = Transaction::default();
        provider.update(&mut change, &record);
        Ok(Outcome::silent_change(change))
    }
}
