//! ListResourceTags: the tags of a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>

use std::sync::Arc;

use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, Page, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListResourceTags;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    page: PageRequest,
}

/// A tag.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    tag_key: String,
    tag_value: String,
}

impl From<(String, String)> for Tag {
    fn from((tag_key, tag_value): (String, String)) -> Self {
        Self { tag_key, tag_value }
    }
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for ListResourceTags {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "ListResourceTags", &["KeyId", "Limit", "Marker"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { key_id: members::key_id(fields)?, page: PageRequest::read(fields, "ListResourceTags", 50, 50)? })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:ListResourceTags", name)).await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        let page = &authorized.input().page;
        let behind = |key: &str| page.after.as_ref().is_none_or(|after| key.as_bytes() > after.as_slice());
        let tags = key.record().tags.iter().filter(|(key, _)| behind(key)).take(page.limit + 1);
        let tags = tags.map(|(key, value)| Tag { tag_key: key.clone(), tag_value: value.clone() }).collect();
        let Page { items, next } = page.page(tags, |tag: &Tag| tag.tag_key.as_bytes().to_vec());
        Ok(Outcome::answer(Output { tags: items, truncated: next.is_some(), next_marker: next }))
    }
}
