//! Who may do what with a key: every principal of every account, page by page.
//!
//! Not here: what one of them may; `authz` asks the engine. Invariants: nobody who may do anything is passed over: the
//! roots, users and roles of all accounts, the sessions and services that the key policy or a grant names; a page looks
//! at a bounded number of them.

use std::sync::Arc;

use kanuki_store::{KeyBytes as _, Store};
use kanuki_types::AccountId;
use serde_json::{Value, json};

use super::{Done, Operator};
use crate::{
    authz::hypothesis::{
        Asker,
        access::{Right, rights},
    },
    error::{ApiError, ErrorCode},
    identity::{Accounts, Principals},
    keys::{GrantPrincipal, KeyEntry, KeyName, Names, PageRequest},
};

/// A page of those who may do something with a key.
///
/// # Errors
/// If there is no such key, or if the store fails.
pub(super) async fn list(operator: &Operator, key: &str, after: Option<&str>) -> Result<Done, ApiError> {
    let key = find_key(operator, key).await?;
    let from = Place::read(after)?;
    let (askers, next) = askers(operator, &key, &from).await?;
    let keys = &operator.pipeline.doors().keys;
    let mut access = Vec::new();
    for asker in askers {
        let found = rights(keys, &asker, &key).await?;
        if !found.is_empty() {
            access.push(entry(&asker, &found));
        }
    }
    let answer = json!({ "key": key.arn_text(), "access": access, "next": next.map(|place| place.to_text()) });
    Ok(Done { answer, change: None, account: Some(key.arn().account) })
}

/// The key behind an identifier, as the home account sees it in the first Region.
///
/// # Errors
/// If there is no such key, or if the store fails.
pub(super) async fn find_key(operator: &Operator, identifier: &str) -> Result<Arc<KeyEntry>, ApiError> {
    let doors = operator.pipeline.doors();
    let settings = &doors.settings;
    let arn = identifier.parse::<kanuki_types::Arn>().ok();
    let account = arn.as_ref().and_then(|arn| arn.account.parse().ok()).unwrap_or(settings.home_account);
    let region = arn.as_ref().and_then(|arn| arn.region.parse().ok());
    let region = region.unwrap_or_else(|| settings.default_region().clone());
    match doors.keys.resolve(account, &region, identifier, Names::KeysAndAliases).await? {
        KeyName::Found { entry, .. } => Ok(entry),
        KeyName::Hidden { arn, .. } => Err(ApiError::new(ErrorCode::NotFound, format!("there is no key {arn}"))),
    }
}

fn entry(asker: &Asker, rights: &[Right]) -> Value {
    json!({
        "principal": asker.arn(),
        "account": asker.account(),
        "anySession": asker.is_any_session(),
        "rights": rights,
    })
}

/// Where a page begins: the three kinds of principals stand one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Those whom only the key policy or a grant names: after this grant.
    Named(Option<String>),
    /// Users and roles: after this key of the store.
    Principals(Vec<u8>),
    /// Roots: after this account.
    Roots(Option<AccountId>),
}

impl Place {
    fn read(text: Option<&str>) -> Result<Self, ApiError> {
        let wrong = || ApiError::validation("`after` is not what a page ended with");
        let Some(text) = text else { return Ok(Self::Roots(None)) };
        match text.split_once(':').ok_or_else(wrong)? {
            ("named", "") => Ok(Self::Named(None)),
            ("named", marker) => Ok(Self::Named(Some(marker.to_owned()))),
            ("roots", account) => Ok(Self::Roots(Some(account.parse().map_err(|_| wrong())?))),
            ("principals", hex) => Ok(Self::Principals(bytes(hex).ok_or_else(wrong)?)),
            _ => Err(wrong()),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Named(marker) => format!("named:{}", marker.as_deref().unwrap_or_default()),
            Self::Principals(key) => {
                format!("principals:{}", key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            Self::Roots(account) => format!("roots:{}", account.map(|it| it.to_string()).unwrap_or_default()),
        }
    }
}

/// The principals of a page, and where the next begins.
async fn askers(operator: &Operator, key: &KeyEntry, from: &Place) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    match from {
        Place::Roots(after) => roots(&operator.store, *after).await,
        Place::Principals(after) => principals(operator, after).await,
        Place::Named(after) => named(operator, key, after.as_deref()).await,
    }
}

async fn roots(store: &Store, after: Option<AccountId>) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    let after = after.map(|account| account.to_key());
    let found = store.scan::<Accounts>(&[], after.as_deref(), PAGE).await?;
    let next = match found.last() {
        Some((last, _)) if found.len() == PAGE => Place::Roots(Some(*last)),
        _ => Place::Principals(Vec::new()),
    };
    Ok((found.into_iter().map(|(account, _)| Asker::root(account)).collect(), Some(next)))
}

async fn principals(operator: &Operator, after: &[u8]) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    let after = Some(after).filter(|after| !after.is_empty());
    let found = operator.store.scan::<Principals>(&[], after, PAGE).await?;
    let next = match found.last() {
        Some((last, _)) if found.len() == PAGE => Place::Principals(last.to_key()),
        _ => Place::Named(None),
    };
    let mut askers = Vec::new();
    for ((account, id), _) in found {
        // One that was deleted meanwhile may nothing.
        if let Some(entry) = operator.pipeline.doors().identity.principal(account, &id).await? {
            askers.push(Asker::entity(entry, None));
        }
    }
    Ok((askers, Some(next)))
}

/// Sessions and services that the key policy names, on the first page; sessions to which grants are given.
async fn named(
    operator: &Operator,
    key: &KeyEntry,
    after: Option<&str>,
) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    let doors = operator.pipeline.doors();
    let home = doors.settings.home_account;
    let mut askers = Vec::new();
    let mut names: Vec<String> = Vec::new();
    if after.is_none() {
        let document = &key.policy().document;
        names.extend(document.named_principals().filter(|name| name.starts_with("arn:aws:sts:")).map(str::to_owned));
        askers.extend(document.named_services().map(|name| Asker::service(name, home)));
    }
    let page = PageRequest::of("ListAccess", PAGE, after)?;
    let grants = doors.keys.list_grants(key.arn(), None, &page).await?;
    for grant in &grants.items {
        if let GrantPrincipal::Entity { arn, session: Some(_), .. } = &grant.record().grantee
            && !names.contains(arn)
        {
            names.push(arn.clone());
        }
    }
    for name in names {
        match Asker::find(&doors.identity, &name, home).await {
            Ok(asker) => askers.push(asker),
            // Its role is gone, and what it was given with it.
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok((askers, grants.next.map(|marker| Place::Named(Some(marker)))))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Most principals, or grants, that a page looks at.
const PAGE: usize = 200;
