//! DeleteAlias: removes a name; the key stays.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>

use std::sync::Arc;

use kanuki_store::{Transaction, Versioned};
use kanuki_types::{AliasArn, AliasName};

use super::{
    create_alias::alias_arn,
    members,
    update_alias::{existing, remove_alias},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{AliasRecord, Aliases, KeyEntry, alias_key},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DeleteAlias;

/// The alias and the key that it stands for.
#[derive(Debug)]
pub struct Target {
    alias: AliasArn,
    record: Versioned<AliasRecord>,
    key: Arc<KeyEntry>,
}

impl Operation for DeleteAlias {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Kms, "DeleteAlias", &["AliasName"]);
    /// The alias name; none after a violation.
    type Input = Option<AliasName>;
    type Target = Target;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Option<AliasName>, ApiError> {
        members::alias_name(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Option<AliasName>,
    ) -> Result<Plan<Target>, ApiError> {
        let alias = alias_arn(caller, input.as_ref())?;
        let (record, key) = existing(doors, &alias).await?;
        let on_alias = Demand::on_alias("kms:DeleteAlias", &alias, Some(Arc::clone(&key)));
        let on_key = Demand::on_key("kms:DeleteAlias", &key, None);
        Ok(Plan::with_more(Target { alias, record, key }, on_alias, [on_key]))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let Target { alias, record, key } = authorized.target();
        let mut change = Transaction::default();
        change.delete::<Aliases>(&alias_key(alias), record.version);
        remove_alias(&mut change, key, alias);
        Ok(Outcome::silent_change(change))
    }
}
