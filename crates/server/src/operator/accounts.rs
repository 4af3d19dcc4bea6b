//! Accounts: made, listed, and given credentials of their root.
//!
//! Not here: what is inside an account; its root does that through the API. Invariants: an account's id is never used
//! twice; a root has at most [`ROOT_ACCESS_KEYS_MAX`] access keys; no secret is in an answer.

use kanuki_store::{KeyBytes as _, Transaction};
use kanuki_types::{AccountId, Random};
use serde_json::json;

use super::{Done, Operator};
use crate::{
    error::{ApiError, ErrorCode},
    identity::{AccessKeys, AccountRecord, Accounts, Owner, bootstrap::Makers},
};

/// Makes an account.
///
/// # Errors
/// If there is one with that id, or if the store fails.
pub(super) async fn create(operator: &Operator, wanted: Option<AccountId>) -> Result<Done, ApiError> {
    let doors = operator.pipeline.doors();
    let account = match wanted {
        Some(account) if exists(operator, account).await? => {
            return Err(ApiError::new(ErrorCode::AlreadyExists, format!("account {account} exists already")));
        }
        Some(account) => account,
        None => unused(operator, &*doors.random).await?,
    };
    let mut change = Transaction::default();
    change.create::<Accounts>(&account, &AccountRecord::new(doors.clock.now()));
    Ok(Done { answer: json!({ "account": account }), change: Some(change), account: Some(account) })
}

/// A page of accounts in the order of their ids.
///
/// # Errors
/// If the store fails.
pub(super) async fn list(operator: &Operator, after: Option<AccountId>) -> Result<Done, ApiError> {
    let after = after.map(|account| account.to_key());
    let mut found = operator.store.scan::<Accounts>(&[], after.as_deref(), PAGE + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let home = operator.pipeline.doors().settings.home_account;
    let next = found.last().filter(|_| more).map(|(account, _)| *account);
    let accounts: Vec<_> = found
        .into_iter()
        .map(|(account, record)| {
            json!({
                "account": account,
                "created": record.value.created.iso8601(),
                "alias": record.value.alias,
                "home": account == home,
                "rootAccessKeys": record.value.root_access_keys,
            })
        })
        .collect();
    Ok(Done::answer(json!({ "accounts": accounts, "next": next })))
}

/// Makes an access key for the root of an account, and delivers it where the first administrator's is. With `replace`
/// the ones before end in the same moment.
///
/// # Errors
/// If there is no such account, if its root has as many as it may have, or if store or keeper fail.
pub(super) async fn root_credentials(operator: &Operator, account: AccountId, replace: bool) -> Result<Done, ApiError> {
    let doors = operator.pipeline.doors();
    let Some(mut record) = operator.store.get::<Accounts>(&account).await? else {
        return Err(ApiError::new(ErrorCode::NotFound, format!("there is no account {account}")));
    };
    let mut change = Transaction::default();
    if replace {
        for id in std::mem::take(&mut record.value.root_access_keys) {
            if let Some(key) = operator.store.get::<AccessKeys>(&id).await? {
                change.delete::<AccessKeys>(&id, key.version);
            }
        }
    }
    if record.value.root_access_keys.len() >= ROOT_ACCESS_KEYS_MAX {
        let sentence = format!("the root of {account} has {ROOT_ACCESS_KEYS_MAX} access keys; --replace ends them");
        return Err(ApiError::new(ErrorCode::LimitExceeded, sentence));
    }
    let profile = if account == doors.settings.home_account { "root".to_owned() } else { format!("{account}/root") };
    let deliver = |profile: &str, key: &_| (operator.deliver)(profile, key);
    let makers = Makers {
        store: &operator.store,
        keeper: &operator.keeper,
        random: &*doors.random,
        now: doors.clock.now(),
        deliver: &deliver,
    };
    let id = makers.access_key(&mut change, account, Owner::Root, &profile).await?;
    record.value.root_access_keys.insert(id.clone());
    change.update::<Accounts>(&account, record.version, &record.value);
    let answer = json!({ "account": account, "accessKeyId": id, "profile": profile });
    Ok(Done { answer, change: Some(change), account: Some(account) })
}

async fn exists(operator: &Operator, account: AccountId) -> Result<bool, ApiError> {
    Ok(operator.store.get::<Accounts>(&account).await?.is_some())
}

/// An id that no account has. It begins with no zero, so that a tool which reads it as a number keeps its digits.
async fn unused(operator: &Operator, random: &dyn Random) -> Result<AccountId, ApiError> {
    for _ in 0..TRIES_MAX {
        let number = u64::from_be_bytes(random.bytes()) % (LARGEST - SMALLEST + 1) + SMALLEST;
        let account = number.to_string().parse().map_err(ApiError::internal)?;
        if !exists(operator, account).await? {
            return Ok(account);
        }
    }
    Err(ApiError::new(ErrorCode::LimitExceeded, "no unused account id was found"))
}

/// Most access keys of a root ("IAM and AWS STS quotas" of the IAM user guide: two for a user).
const ROOT_ACCESS_KEYS_MAX: usize = 2;
/// Accounts of a page.
const PAGE: usize = 500;
const SMALLEST: u64 = 100_000_000_000;
const LARGEST: u64 = 999_999_999_999;
/// How often an id is drawn before it is given up.
const TRIES_MAX: usize = 16;
