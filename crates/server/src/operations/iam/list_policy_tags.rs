//! ListPolicyTags: the tags of a managed policy by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html>

use serde::Serialize;

use super::{
    pages,
    policies::{self, NamedPolicy},
    tags::{self, Tag},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::ManagedPolicy,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListPolicyTags;

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

impl Operation for ListPolicyTags {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListPolicyTags", &["PolicyArn", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: policies::read_arn(fields)?, page: PageRequest::read_items(fields, "ListPolicyTags")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:ListPolicyTags").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let tags = match authorized.target().get()? {
            ManagedPolicy::Aws(_) => Vec::new(),
            ManagedPolicy::Own(policy) => tags::listed(&policy.record().tags),
        };
        let page = pages::of_sorted(&authorized.input().page, tags, |tag| tag.key.as_str());
        Ok(Outcome::answer(Output { tags: page.items, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
