//! Accounts as a whole: their aliases, and how much is in them.
//!
//! Invariant: an alias belongs to one account of the installation.

use kanuki_store::{KeyBytes as _, Keyspace, SCAN_LIMIT_MAX, StoreError, Transaction};
use kanuki_types::{AccountId, UniqueId};

use super::{Accounts, EntityNames, Identity, NamedKind, PrincipalKind, PrincipalNames};
use crate::{error::ApiError, keyspaces};

/// Accounts by alias.
#[derive(Debug)]
pub struct AccountAliases;

impl Keyspace for AccountAliases {
    const ID: u8 = keyspaces::ACCOUNT_ALIASES;
    const NAME: &'static str = "account aliases";
    type Key = String;
    type Value = AccountId;
}

/// How many entities an account has.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntityCounts {
    /// Groups.
    pub groups: usize,
    /// Instance profiles.
    pub instance_profiles: usize,
    /// Managed policies of its own.
    pub policies: usize,
    /// Roles.
    pub roles: usize,
    /// Users.
    pub users: usize,
}

impl Identity {
    /// The account with that alias.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn account_of_alias(&self, alias: &str) -> Result<Option<AccountId>, StoreError> {
        Ok(self.store.get::<AccountAliases>(&alias.to_owned()).await?.map(|account| account.value))
    }

    /// Gives an account an alias in place of the one before, or none. The caller must be allowed to.
    ///
    /// # Errors
    /// If the account does not exist, or if the store fails.
    pub async fn set_account_alias(
        &self,
        change: &mut Transaction,
        account: AccountId,
        alias: Option<&String>,
    ) -> Result<(), ApiError> {
        let found = self.store.get::<Accounts>(&account).await?;
        let found = found.ok_or_else(|| ApiError::internal("the account of a caller does not exist"))?;
        let mut record = found.value;
        if let Some(before) = &record.alias {
            self.delete_record::<AccountAliases>(change, before).await?;
        }
        if let Some(alias) = alias {
            change.create::<AccountAliases>(alias, &account);
        }
        record.alias = alias.cloned();
        change.update::<Accounts>(&account, found.version, &record);
        Ok(())
    }

    /// How many entities an account has; above a hundred thousand of a kind the count stops.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn count_entities(&self, account: AccountId) -> Result<EntityCounts, StoreError> {
        let principals = async |kind: PrincipalKind| self.count::<PrincipalNames>((account, kind).to_key()).await;
        let entities = async |kind: NamedKind| self.count::<EntityNames>((account, kind).to_key()).await;
        Ok(EntityCounts {
            groups: entities(NamedKind::Group).await?,
            instance_profiles: entities(NamedKind::InstanceProfile).await?,
            policies: entities(NamedKind::Policy).await?,
            roles: principals(PrincipalKind::Role).await?,
            users: principals(PrincipalKind::User).await?,
        })
    }

    async fn count<K: Keyspace<Value = UniqueId>>(&self, prefix: Vec<u8>) -> Result<usize, StoreError> {
        let (mut count, mut after) = (0, None::<Vec<u8>>);
        while count < COUNTED_MAX {
            let found = self.store.scan::<K>(&prefix, after.as_deref(), SCAN_LIMIT_MAX).await?;
            count += found.len();
            match found.last() {
                Some((key, _)) if found.len() == SCAN_LIMIT_MAX => after = Some(key.to_key()),
                _ => break,
            }
        }
        Ok(count)
    }
}

/// Most entities of a kind that are counted.
const COUNTED_MAX: usize = 100_000;
