//! ListAliases: every alias of the caller's account in the Region, or those of one key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>

use std::sync::Arc;

use kanuki_types::{AliasArn, KeyId};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{AliasRecord, Epoch, KeyEntry, Names, Page, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListAliases;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: Option<String>,
    page: PageRequest,
}

/// An alias of the list; a predefined one without a key has its name alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AliasListEntry {
    alias_name: String,
    alias_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_key_id: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_date: Option<Epoch>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    aliases: Vec<AliasListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for ListAliases {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "ListAliases", &["KeyId", "Limit", "Marker"]);
    type Input = Input;
    /// The key whose aliases are wanted.
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::optional_key_id(fields, "KeyId")?;
        Ok(Input { key_id, page: PageRequest::read(fields, "ListAliases", 50, 100)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let target = match &input.key_id {
            Some(key_id) => {
                let name = members::resolve(doors, caller, key_id, Names::Keys).await?;
                let own = members::found(name).filter(|key| key.arn().account == caller.caller().account);
                Some(own.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("Key '{key_id}' does not exist")))?)
            }
            None => None,
        };
        // Whichever key is asked for, the right to list aliases is not a right on a key.
        Ok(Plan::new(target, Demand::on_any("kms:ListAliases")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let page = &authorized.input().page;
        let Page { items, next } = match authorized.target() {
            Some(key) => aliases_of(doors, key, page).await?,
            None => {
                let caller = authorized.caller();
                doors.keys.list_aliases(caller.caller().account, caller.region(), page).await?
            }
        };
        let aliases = items
            .into_iter()
            .map(|(arn, record)| AliasListEntry {
                alias_arn: arn.to_string(),
                alias_name: arn.name.to_string(),
                target_key_id: record.as_ref().map(|record| record.target),
                creation_date: record.as_ref().map(|record| Epoch(record.created)),
                last_updated_date: record.as_ref().map(|record| Epoch(record.updated)),
            })
            .collect();
        Ok(Outcome::answer(Output { aliases, truncated: next.is_some(), next_marker: next }))
    }
}

async fn aliases_of(
    doors: &Doors,
    key: &KeyEntry,
    page: &PageRequest,
) -> Result<Page<(AliasArn, Option<AliasRecord>)>, ApiError> {
    let mut aliases = Vec::new();
    for name in &key.record().aliases {
        let behind = page.after.as_ref().is_none_or(|after| name.as_str().as_bytes() > after.as_slice());
        let arn = AliasArn { account: key.arn().account, region: key.arn().region.clone(), name: name.clone() };
        if behind && let Some(record) = doors.keys.alias(&arn).await? {
            aliases.push((arn, Some(AliasRecord::clone(&record))));
        }
    }
    aliases.truncate(page.limit + 1);
    Ok(page.page(aliases, |(arn, _)| arn.name.as_str().as_bytes().to_vec()))
}
