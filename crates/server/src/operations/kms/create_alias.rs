//! CreateAlias: a name for a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>

use std::sync::Arc;

use kanuki_store::Transaction;
use kanuki_types::{AliasArn, AliasName};

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{AliasRecord, Aliases, KeyEntry, NOT_PENDING_DELETION, Names, alias_key, check_state},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateAlias;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    pub(super) name: Option<AliasName>,
    pub(super) target: String,
}

/// The alias and the key that it shall stand for.
#[derive(Debug)]
pub struct Target {
    alias: AliasArn,
    key: Option<Arc<KeyEntry>>,
}

impl Operation for CreateAlias {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "CreateAlias", &["AliasName", "TargetKeyId"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let alias = alias_arn(caller, input.name.as_ref())?;
        let name = members::resolve(doors, caller, &input.target, Names::AliasTargets).await?;
        let on_key = Demand::on_name("kms:CreateAlias", &name);
        let key = members::found(name);
        let on_alias = Demand::on_alias("kms:CreateAlias", &alias, key.clone());
        Ok(Plan::with_more(Target { alias, key }, on_alias, [on_key]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Target { alias, key } = authorized.target();
        let key = members::key(key)?;
        check_state(key, NOT_PENDING_DELETION)?;
        if doors.keys.alias_for_change(alias).await?.is_some() {
            let message = format!("An alias with the name {alias} already exists");
            return Err(ApiError::new(ErrorCode::AlreadyExists, message));
        }
        let now = doors.clock.now();
        let mut change = Transaction::default();
        let record = AliasRecord { target: key.arn().key_id, created: now, updated: now };
        change.create::<Aliases>(&alias_key(alias), &record);
        add_alias(doors, &mut change, key, &alias.name)?;
        Ok(Outcome::silent_change(change))
    }
}

/// Reads the input of CreateAlias and UpdateAlias.
pub(super) fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
    let name = members::alias_name(fields)?;
    let target = members::optional_key_id(fields, "TargetKeyId")?;
    let target = fields.require("TargetKeyId", target);
    if target.starts_with("alias/") || target.contains(":alias/") {
        return Err(ApiError::validation("Aliases must refer to keys. Not aliases"));
    }
    Ok(Input { name, target })
}

/// The ARN of an alias in the caller's account and Region.
pub(super) fn alias_arn(caller: &Authenticated, name: Option<&AliasName>) -> Result<AliasArn, ApiError> {
    let name = name.ok_or_else(|| ApiError::internal("an alias name was neither read nor refused"))?;
    Ok(AliasArn { account: caller.caller().account, region: caller.region().clone(), name: name.clone() })
}

/// Notes an alias at its key.
pub(super) fn add_alias(
    doors: &Doors,
    change: &mut Transaction,
    key: &KeyEntry,
    name: &AliasName,
) -> Result<(), ApiError> {
    let aliases_max = doors.settings.limits.aliases_per_key_max;
    let mut record = key.record().clone();
    if record.aliases.len() >= aliases_max {
        let message = format!("{} has reached the limit of {aliases_max} aliases.", key.arn_text());
        return Err(ApiError::new(ErrorCode::LimitExceeded, message));
    }
    record.aliases.insert(name.clone());
    key.update(change, &record);
    Ok(())
}
