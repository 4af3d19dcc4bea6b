//! Why a call was refused, and what would be decided on one that nobody made.
//!
//! Not here: decisions. Invariant: nothing is explained but by the engine that decides.

use std::sync::Arc;

use kanuki_policy::ResourceKind;
use kanuki_types::{AccountId, Arn, Region};
use serde_json::json;

use super::{Done, Operator};
use crate::{
    authz::hypothesis::{Asker, Supposed, Target, explain_call},
    decisions::{self, DecisionRecord},
    error::{ApiError, ErrorCode},
    identity::{PrincipalKind, PrincipalName},
    keys::{KeyName, Names},
};

/// The decision of a call that was made, if it is kept.
///
/// # Errors
/// If it is not kept, or if the store fails.
pub(super) async fn request(operator: &Operator, request_id: &str) -> Result<Done, ApiError> {
    let record = find(operator, request_id).await?;
    Ok(Done::answer(serde_json::to_value(record).map_err(ApiError::internal)?))
}

/// The encoded authorization message about a call that was refused, as the refused caller got it.
///
/// # Errors
/// If the decision is not kept, if it has no message, or if store or keeper fail.
pub(super) async fn encoded_request(operator: &Operator, request_id: &str) -> Result<Done, ApiError> {
    let record = find(operator, request_id).await?;
    if record.allowed {
        return Err(ApiError::validation("the call was allowed, so there is no authorization message about it"));
    }
    let Some(message) = operator.pipeline.doors().messages.encode(&record).await? else {
        return Err(ApiError::validation("the caller belongs to no account, so nobody could decode a message"));
    };
    Ok(Done::answer(json!({ "requestId": request_id, "encodedMessage": message.as_str() })))
}

/// The decision of a call, if it is kept.
async fn find(operator: &Operator, request_id: &str) -> Result<DecisionRecord, ApiError> {
    let log = operator.pipeline.decisions();
    // A call that was answered a moment ago may still be in the queue.
    log.flush().await;
    let found = decisions::find(&operator.store, request_id).await?;
    found.ok_or_else(|| {
        let kept = if log.keeps_allowed() { "" } else { " (allowed calls are kept with `[decisions] keep = \"all\"`)" };
        let lost = match log.lost() {
            0 => String::new(),
            lost => format!("; {lost} decisions were lost since the start, because too many came at once"),
        };
        let sentence = format!(
            "no decision is kept for this request: it was allowed{kept}, or it was refused before anything was decided, \
             or it is older than what is kept{lost}; its record is in the trail"
        );
        ApiError::new(ErrorCode::NotFound, sentence)
    })
}

/// What would be decided.
///
/// # Errors
/// If a name stands for nothing, or if the store fails.
pub(super) async fn call(
    operator: &Operator,
    principal: &str,
    action: &str,
    (resource, owner): (Option<&str>, Option<AccountId>),
    region: Option<&Region>,
    supposed: Supposed,
) -> Result<Done, ApiError> {
    let doors = operator.pipeline.doors();
    let home = doors.settings.home_account;
    let region = region.unwrap_or_else(|| doors.settings.default_region());
    if action.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty()) {
        return Err(ApiError::validation("an action has a service and a name, such as kms:Decrypt"));
    }
    let asker = Asker::find(&doors.identity, principal, home).await?;
    let target = match resource {
        Some(resource) => {
            let account = owner.or(asker.account()).unwrap_or(home);
            target(operator, action, resource, account, region).await?
        }
        None => Target::Any,
    };
    let now = doors.clock.now();
    let note = explain_call((&doors.keys, &doors.identity), &asker, action, &target, supposed, (region, now)).await?;
    Ok(Done::answer(json!({ "principal": asker.arn(), "demands": [note] })))
}

/// What a resource's name stands for, seen from an account and a Region.
async fn target(
    operator: &Operator,
    action: &str,
    resource: &str,
    account: AccountId,
    region: &Region,
) -> Result<Target, ApiError> {
    let doors = operator.pipeline.doors();
    let of_iam = resource.parse::<Arn>().ok().filter(|arn| arn.service != "kms");
    if let Some(arn) = of_iam {
        if action.eq_ignore_ascii_case("sts:AssumeRole")
            && let PrincipalName::Entity(id) = doors.identity.resolve_principal(resource).await?
            && let Ok(account) = arn.account.parse()
            && let Some(role) = doors.identity.principal(account, &id).await?
            && role.record().kind == PrincipalKind::Role
        {
            return Ok(Target::Role(role));
        }
        let account = arn.account.parse().unwrap_or(account);
        let kind = if arn.service == "iam" { ResourceKind::Iam } else { ResourceKind::Other };
        return Ok(Target::Other { arn: resource.to_owned(), account, kind });
    }
    // An ARN says in which Region the key is.
    let own = resource.parse::<Arn>().ok().and_then(|arn| arn.region.parse::<Region>().ok());
    let region = own.as_ref().unwrap_or(region);
    match doors.keys.resolve(account, region, resource, Names::KeysAndAliases).await? {
        KeyName::Found { entry, alias } => Ok(Target::Key(Arc::clone(&entry), alias)),
        KeyName::Hidden { arn, .. } => Err(ApiError::new(ErrorCode::NotFound, format!("there is no key {arn}"))),
    }
}
