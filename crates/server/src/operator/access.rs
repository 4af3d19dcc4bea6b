//! Who may do what with a key: every principal of every account, page by page.
//!
//! Not here: what one of them may; `authz` asks the engine. Invariants: nobody who may do anything is passed over: the
//! roots, users and roles of all accounts, the sessions and services that the key policy or a grant names; a page looks
//! at a bounded number of them.

use std::{collections::BTreeSet, sync::Arc};

use kanuki_store::{KeyBytes as _, Store};
use kanuki_types::AccountId;
use serde_json::json;

use super::{Done, Operator};
use crate::{
    authn::ServicePrincipal,
    authz::hypothesis::{Asker, Home, access::standing},
    error::{ApiError, ErrorCode},
    identity::{Accounts, Identity, Principals},
    keys::{GrantPrincipal, KeyEntry, KeyName, Names, PageRequest},
};

/// A page of those who may do something with a key.
///
/// # Errors
/// If there is no such key, or if the store fails.
pub(super) async fn list(operator: &Operator, key: &str, after: Option<&str>) -> Result<Done, ApiError> {
    let key = find_key(operator, key).await?;
    let from = Place::read(after)?;
    let doors = operator.pipeline.doors();
    let now = doors.clock.now();
    let home = Home { account: doors.settings.home_account, region: key.arn().region.clone(), now };
    let (askers, next) = askers(operator, &key, &from, &home).await?;
    let mut access = Vec::new();
    for asker in askers {
        access.extend(standing((&doors.keys, &*doors.identity), asker, &key, now).await?);
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
async fn askers(
    operator: &Operator,
    key: &KeyEntry,
    from: &Place,
    home: &Home,
) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    match from {
        Place::Roots(after) => roots(&operator.store, *after, home).await,
        Place::Principals(after) => principals(operator, after, home).await,
        Place::Named(after) => named(operator, key, after.as_deref(), home).await,
    }
}

async fn roots(store: &Store, after: Option<AccountId>, home: &Home) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    let after = after.map(|account| account.to_key());
    let found = store.scan::<Accounts>(&[], after.as_deref(), PAGE).await?;
    let next = match found.last() {
        Some((last, _)) if found.len() == PAGE => Place::Roots(Some(*last)),
        _ => Place::Principals(Vec::new()),
    };
    Ok((found.into_iter().map(|(account, _)| Asker::root(account, home)).collect(), Some(next)))
}

async fn principals(operator: &Operator, after: &[u8], home: &Home) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
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
            askers.push(Asker::entity(entry, None, home));
        }
    }
    Ok((askers, Some(next)))
}

/// Sessions and services that the key policy names, on the first page; those to which grants are given, or which may
/// retire them.
async fn named(
    operator: &Operator,
    key: &KeyEntry,
    after: Option<&str>,
    home: &Home,
) -> Result<(Vec<Asker>, Option<Place>), ApiError> {
    let doors = operator.pipeline.doors();
    let document = &key.policy().document;
    let of_policy: BTreeSet<String> = document
        .named_principals()
        .filter(|name| is_session(name))
        .chain(document.named_services())
        .map(str::to_owned)
        .collect();
    let page = PageRequest::of("ListAccess", PAGE, after)?;
    let grants = doors.keys.list_grants(key.arn(), None, &page).await?;
    let of_grants =
        grants.items.iter().flat_map(|grant| [Some(&grant.record().grantee), grant.record().retiring.as_ref()]);
    let of_grants = of_grants.flatten().map(GrantPrincipal::text);
    let mut names: BTreeSet<String> =
        of_grants.filter(|name| is_session(name) || is_service(name)).map(str::to_owned).collect();
    if after.is_none() {
        names.extend(of_policy);
    } else {
        // Whom the policy names stood on the first page.
        names.retain(|name| !of_policy.contains(name));
    }
    let mut askers = Vec::new();
    for name in names {
        askers.extend(named_asker(&doors.identity, &name, home).await?);
    }
    Ok((askers, grants.next.map(|marker| Place::Named(Some(marker)))))
}

/// A session or a service; none if its role or its account is gone, and what it was given with it.
async fn named_asker(identity: &Identity, name: &str, home: &Home) -> Result<Option<Asker>, ApiError> {
    if let Ok(service) = name.parse() {
        return Ok(Some(Asker::service(service, None, home)));
    }
    let Ok(arn) = name.parse::<kanuki_types::Arn>() else { return Ok(None) };
    if let (Some(name), Ok(account)) = (arn.resource.strip_prefix("federated-user/"), arn.account.parse()) {
        let exists = identity.account(account).await?.is_some();
        return Ok(exists.then(|| Asker::federated(account, name, home)));
    }
    match Asker::find(identity, name, None, None, home).await {
        Ok(asker) => Ok(Some(asker)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_session(name: &str) -> bool {
    name.starts_with("arn:aws:sts:")
}

fn is_service(name: &str) -> bool {
    name.parse::<ServicePrincipal>().is_ok()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Most principals, or grants, that a page looks at.
const PAGE: usize = 200;
