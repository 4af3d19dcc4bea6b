//! ListAccountAliases: the account's name for people, if it has one.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html>

use serde::Serialize;

use super::pages;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListAccountAliases;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    account_aliases: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListAccountAliases {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListAccountAliases", &["MaxItems", "Marker"]);
    type Input = PageRequest;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<PageRequest, ApiError> {
        PageRequest::read_items(fields, "ListAccountAliases")
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &PageRequest) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListAccountAliases")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let account = doors.identity.account(authorized.caller().caller().account).await?;
        let aliases: Vec<String> = account.and_then(|account| account.value.alias).into_iter().collect();
        let page = pages::of_sorted(authorized.input(), aliases, String::as_str);
        Ok(Outcome::answer(Output { account_aliases: page.items, is_truncated: page.next.is_some(), marker: page.next }))
    }
}
