//! UpdateAlias: lets an alias stand for another key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>

use std::sync::Arc;

use kanuki_store::{Transaction, Versioned};
use kanuki_types::{AliasArn, KeyArn};

use super::{
    create_alias::{Input, add_alias, alias_arn, parse},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{AliasRecord, Aliases, KeyEntry, NOT_PENDING_DELETION, Names, alias_key, check_state, is_asymmetric},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct UpdateAlias;

/// The alias, the key that it stands for, and the key that it shall stand for.
#[derive(Debug)]
pub struct Target {
    alias: AliasArn,
    record: Versioned<AliasRecord>,
    current: Arc<KeyEntry>,
    new: Option<Arc<KeyEntry>>,
}

impl Operation for UpdateAlias {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "UpdateAlias", &["AliasName", "TargetKeyId"]);
    type Input = Input;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        parse(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let alias = alias_arn(caller, input.name.as_ref())?;
        let (record, current) = existing(doors, &alias).await?;
        let name = members::resolve(doors, caller, &input.target, Names::AliasTargets).await?;
        let on_alias = Demand::on_alias("kms:UpdateAlias", &alias, Some(Arc::clone(&current)));
        let on_current = Demand::on_key("kms:UpdateAlias", &current, None);
        let on_new = Demand::on_name("kms:UpdateAlias", &name);
        let target = Target { alias, record, current, new: members::found(name) };
        Ok(Plan::with_more(target, on_alias, [on_current, on_new]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Target { alias, record, current, new } = authorized.target();
        let new = members::key(new)?;
        check_state(new, NOT_PENDING_DELETION)?;
        check_alike(alias, current, new)?;
        let mut change = Transaction::default();
        let moved = AliasRecord { target: new.arn().key_id, updated: doors.clock.now(), ..record.value.clone() };
        change.update::<Aliases>(&alias_key(alias), record.version, &moved);
        if current.arn() != new.arn() {
            remove_alias(&mut change, current, alias);
            add_alias(doors, &mut change, new, &alias.name)?;
        }
        Ok(Outcome::silent_change(change))
    }
}

/// An alias that exists, and the key that it stands for.
pub(super) async fn existing(
    doors: &Doors,
    alias: &AliasArn,
) -> Result<(Versioned<AliasRecord>, Arc<KeyEntry>), ApiError> {
    let missing = || ApiError::new(ErrorCode::NotFound, format!("Alias {alias} is not found."));
    let record = doors.keys.alias_for_change(alias).await?.ok_or_else(missing)?;
    let arn = KeyArn { account: alias.account, region: alias.region.clone(), key_id: record.value.target };
    let key = doors.keys.get(&arn).await?.ok_or_else(missing)?;
    Ok((record, key))
}

/// Forgets an alias at its key.
pub(super) fn remove_alias(change: &mut Transaction, key: &KeyEntry, alias: &AliasArn) {
    let mut record = key.record().clone();
    record.aliases.remove(&alias.name);
    key.update(change, &record);
}

/// Code that uses an alias must not break because the alias moved: both keys are for the same use and of one kind.
fn check_alike(alias: &AliasArn, current: &KeyEntry, new: &KeyEntry) -> Result<(), ApiError> {
    let usage = |key: &KeyEntry| key.record().usage.as_str();
    // Of HMAC keys the usage tells already.
    let kind = |key: &KeyEntry| if is_asymmetric(key.record().spec) { "ASYMMETRIC" } else { "SYMMETRIC" };
    for (what, from, to) in [("usage", usage(current), usage(new)), ("type", kind(current), kind(new))] {
        if from != to {
            return Err(ApiError::validation(format!(
                "Alias {alias} cannot be changed from a CMK with key {what} {from} to a CMK with key {what} {to}. The \
                 key {what} of the current CMK and the new CMK must be the same."
            )));
        }
    }
    Ok(())
}
