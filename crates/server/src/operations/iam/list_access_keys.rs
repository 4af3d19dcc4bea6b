//! ListAccessKeys: the access keys of a user or of the caller, without their secrets.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>

use serde::Serialize;

use super::{
    access_keys::{self, AccessKeyMetadata, Whose},
    pages,
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
pub struct ListAccessKeys;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    user: Option<String>,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    access_key_metadata: Vec<AccessKeyMetadata>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListAccessKeys {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListAccessKeys", &["UserName", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = Whose;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { user: access_keys::read_user(fields)?, page: PageRequest::read_items(fields, "ListAccessKeys")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.user.as_ref(), "iam:ListAccessKeys").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let owner = authorized.target().owner()?;
        let keys = doors.identity.access_keys_of(&owner).await?;
        let page = pages::of_sorted(&authorized.input().page, keys, |key| key.id());
        let access_key_metadata = page.items.iter().map(|key| AccessKeyMetadata::of(key, &owner)).collect();
        Ok(Outcome::answer(Output { access_key_metadata, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
