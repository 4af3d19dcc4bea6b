//! ListInstanceProfileTags: the tags of an instance profile by key.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfileTags.html>

use serde::Serialize;

use super::{
    pages,
    profiles::{self, NamedProfile},
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
pub struct ListInstanceProfileTags;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
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

impl Operation for ListInstanceProfileTags {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        "ListInstanceProfileTags",
        &["InstanceProfileName", "MaxItems", "Marker"],
    );
    type Input = Input;
    type Target = NamedProfile;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let name = profiles::read_name(fields)?;
        Ok(Input { name, page: PageRequest::read_items(fields, "ListInstanceProfileTags")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedProfile>, ApiError> {
        profiles::plan(doors, caller, &input.name, "iam:ListInstanceProfileTags").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let tags = tags::listed(&authorized.target().get()?.record.tags);
        let page = pages::of_sorted(&authorized.input().page, tags, |tag| tag.key.as_str());
        Ok(Outcome::answer(Output { tags: page.items, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
