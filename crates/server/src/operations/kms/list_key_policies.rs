//! ListKeyPolicies: the names of a key's policies: there is always one, called `default`.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html>

use std::sync::Arc;

use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, Names, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListKeyPolicies;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy_names: Vec<&'static str>,
    truncated: bool,
}

impl Operation for ListKeyPolicies {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "ListKeyPolicies", &["KeyId", "Limit", "Marker"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { key_id: members::key_id(fields)?, page: PageRequest::read(fields, "ListKeyPolicies", 100, 1000)? })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:ListKeyPolicies", name)).await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let policy_names = if authorized.input().page.after.is_none() { vec!["default"] } else { Vec::new() };
        Ok(Outcome::answer(Output { policy_names, truncated: false }))
    }
}
