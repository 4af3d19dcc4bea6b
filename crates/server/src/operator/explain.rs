//! Why a call was refused, and what would be decided on one that nobody made.
//!
//! Not here: decisions. Invariant: nothing is explained but by the engine that decides.

use std::sync::Arc;

use kanuki_policy::FactMap;
use kanuki_types::{AccountId, AliasArn, Arn, EncryptionContext, Region, Timestamp};
use serde_json::json;

use super::{Done, Operator, SupposedCall, SupposedDocument};
use crate::{
    authn::Source,
    authz::{
        Demand,
        hypothesis::{Asker, Home, Supposed, Target, explain_call, fact_value},
    },
    decisions::{self, DecisionRecord},
    error::{ApiError, ErrorCode},
    identity::{PrincipalKind, PrincipalName},
    keys::{GrantId, KeyName, Names, read_grant_token},
    recipient::{Recipient, RecipientRequest},
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

/// What would be decided on a call that nobody made.
///
/// # Errors
/// If a name stands for nothing, if somebody could not call so, or if the store fails.
pub(super) async fn call(operator: &Operator, call: &SupposedCall) -> Result<Done, ApiError> {
    let doors = operator.pipeline.doors();
    let settings = &doors.settings;
    if call.action.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty()) {
        return Err(ApiError::validation("an action has a service and a name, such as kms:Decrypt"));
    }
    let region = call.region.clone().unwrap_or_else(|| settings.default_region().clone());
    let home = Home { account: settings.home_account, region, now: now(operator, call)? };
    let (session, token) = (call.session.as_ref(), call.token.as_ref());
    let mut asker = Asker::find(&doors.identity, &call.principal, session, token, &home).await?;
    let target = target(operator, call, &asker, &home).await?;
    // A key is used in its own Region.
    if let Target::Key(key, _) = &target {
        asker = asker.in_region(&key.arn().region);
    }
    asker = asker.through(&call.via)?;
    if call.source_account.is_some() || call.source_arn.is_some() {
        let account = call.source_account.or(call.source_arn.as_deref().and_then(account_of));
        let account = account.ok_or_else(|| ApiError::validation("the ARN of the source names no account"))?;
        let source = Source { account, arn: call.source_arn.clone() };
        let home = Home { region: asker.standpoint().region().clone(), ..home.clone() };
        asker = asker.on_behalf_of(source, &home)?;
    }
    let supposed = supposed(operator, call, &target).await?;
    let records = (&doors.keys, &*doors.identity);
    let found = explain_call(records, &asker, &call.action, target, supposed, home.now).await?;
    let mut answer = serde_json::to_value(found).map_err(ApiError::internal)?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("principal".into(), asker.arn().into());
    }
    Ok(Done::answer(answer))
}

/// When the call is made.
fn now(operator: &Operator, call: &SupposedCall) -> Result<Timestamp, ApiError> {
    let Some(text) = &call.at else { return Ok(operator.pipeline.doors().clock.now()) };
    let basic: String = text.chars().filter(|c| !"-:".contains(*c)).collect();
    Timestamp::from_iso8601_basic(&basic)
        .ok_or_else(|| ApiError::validation("a time is written like 2026-05-21T05:47:45Z"))
}

/// The circumstances of the call; what a real one would have verified is verified here too.
async fn supposed(operator: &Operator, call: &SupposedCall, target: &Target) -> Result<Supposed, ApiError> {
    let doors = operator.pipeline.doors();
    let context = EncryptionContext::new(call.context.clone())
        .map_err(|_| ApiError::validation("the encryption context is too large"))?;
    call.grant_tokens.iter().try_for_each(|token| read_grant_token(token).map(drop))?;
    let mut facts = FactMap::new();
    for (name, value) in &call.attestation {
        facts.insert(&format!("kms:RecipientAttestation:{name}"), value.as_str());
    }
    for (key, values) in &call.facts {
        facts.insert(key, fact_value(key, values.clone()));
    }
    let demand_facts = match &call.attestation_document {
        Some(SupposedDocument(document)) => {
            let request = RecipientRequest { document: document.clone() };
            let recipient = Recipient::verify(doors, Some(&request)).await?;
            let demand = Demand::on_any("kms:Decrypt");
            recipient.map(|recipient| recipient.attest(demand).facts).unwrap_or_default()
        }
        None => FactMap::new(),
    };
    let retired = match (&call.grant, target) {
        (None, _) => None,
        (Some(id), Target::Key(key, _)) if call.action.eq_ignore_ascii_case("kms:RetireGrant") => {
            let unknown = || ApiError::new(ErrorCode::NotFound, "the key has no such grant");
            let id = id.parse::<GrantId>().map_err(|_| unknown())?;
            Some(Arc::new(doors.keys.grant(key.arn(), id).await?.ok_or_else(unknown)?))
        }
        (Some(_), _) => {
            return Err(ApiError::validation("kms:RetireGrant on a key names a grant, and nothing else does"));
        }
    };
    let resource_policy = call.resource_policy.clone();
    Ok(Supposed { context, facts, demand_facts, source_ip: call.source_ip, resource_policy, retired })
}

/// What the resource's name stands for, seen from the caller's account.
async fn target(operator: &Operator, call: &SupposedCall, asker: &Asker, home: &Home) -> Result<Target, ApiError> {
    let doors = operator.pipeline.doors();
    let Some(resource) = call.resource.as_deref() else {
        return match asker.account() {
            Some(_) => Ok(Target::Any),
            None => Err(ApiError::validation("a service needs a resource")),
        };
    };
    let account = call.resource_account.or(asker.account()).unwrap_or(home.account);
    let arn = resource.parse::<Arn>().ok();
    if let Some(arn) = arn.as_ref().filter(|arn| arn.service != "kms") {
        let account = arn.account.parse().unwrap_or(account);
        return other_target(operator, &call.action, arn, account).await;
    }
    if ALIAS_ACTIONS.iter().any(|action| action.eq_ignore_ascii_case(&call.action))
        && let Some(alias) = alias_of(resource, account, &home.region)
    {
        let text = alias.to_string();
        let behind = match doors.keys.resolve(account, &alias.region, &text, Names::KeysAndAliases).await {
            Ok(KeyName::Found { entry, .. }) => Some(entry),
            Ok(KeyName::Hidden { .. }) => None,
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(error),
        };
        return Ok(Target::Alias(alias, behind));
    }
    // An ARN says in which Region the key is.
    let own = arn.and_then(|arn| arn.region.parse::<Region>().ok());
    let region = own.as_ref().unwrap_or(&home.region);
    match doors.keys.resolve(account, region, resource, Names::KeysAndAliases).await? {
        KeyName::Found { entry, alias } => Ok(Target::Key(entry, alias)),
        KeyName::Hidden { arn, .. } => Err(ApiError::new(ErrorCode::NotFound, format!("there is no key {arn}"))),
    }
}

/// What an ARN of another service than KMS stands for.
async fn other_target(operator: &Operator, action: &str, arn: &Arn, account: AccountId) -> Result<Target, ApiError> {
    let identity = &operator.pipeline.doors().identity;
    let text = arn.to_string();
    if arn.service != "iam" {
        return Ok(Target::Other { arn: text, account });
    }
    let found = match identity.resolve_principal(&text).await? {
        PrincipalName::Entity(id) => identity.principal(account, &id).await?,
        PrincipalName::Account | PrincipalName::Unknown => None,
    };
    let assumes = ASSUMING_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action));
    match found {
        Some(role) if assumes && role.record().kind == PrincipalKind::Role => Ok(Target::Role(role)),
        found => Ok(Target::Entity { arn: text, account, found }),
    }
}

fn alias_of(text: &str, account: AccountId, region: &Region) -> Option<AliasArn> {
    match text.parse::<Arn>() {
        Ok(arn) => AliasArn::from_arn(&arn),
        Err(_) => Some(AliasArn { account, region: region.clone(), name: text.parse().ok()? }),
    }
}

fn account_of(arn: &str) -> Option<AccountId> {
    arn.parse::<Arn>().ok()?.account.parse().ok()
}

/// Actions on an alias itself, and not on the key that it names.
const ALIAS_ACTIONS: [&str; 3] = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"];
/// Actions that a role's trust policy decides on.
const ASSUMING_ACTIONS: [&str; 4] =
    ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"];
