//! Accounts as a whole: their aliases, and how much is in them.
//!
//! Invariant: an alias belongs to one account of the installation.

use kanuki_store::{KeyBytes as _, Keyspace, StoreError, Transaction};
use kanuki_types::AccountId;

use super::{Accounts, EntityNames, Identity, MfaDevices, NamedKind, OidcProviders, PrincipalKind, PrincipalNames};
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
    /// Devices that show one-time codes.
    pub mfa_devices: usize,
    /// Those of them that are somebody's.
    pub mfa_devices_in_use: usize,
    /// Identity providers.
    pub providers: usize,
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
        let devices = self.collect::<MfaDevices, _>(account.to_key(), |device| device.assigned.is_some()).await?;
        Ok(EntityCounts {
            groups: entities(NamedKind::Group).await?,
            instance_profiles: entities(NamedKind::InstanceProfile).await?,
            mfa_devices: devices.len(),
            mfa_devices_in_use: devices.iter().filter(|assigned| **assigned).count(),
            providers: self.count::<OidcProviders>(account.to_key()).await?,
            policies: entities(NamedKind::Policy).await?,
            roles: principals(PrincipalKind::Role).await?,
            users: principals(PrincipalKind::User).await?,
        })
    }

    async fn count<K: Keyspace>(&self, prefix: Vec<u8>) -> Result<usize, StoreError> {
        Ok(self.collect::<K, ()>(prefix, |_| ()).await?.len())
    }

    /// What `read` makes of each record under a prefix.
    async fn collect<K: Keyspace, T>(
        &self,
        prefix: Vec<u8>,
        read: impl Fn(&K::Value) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let (mut collected, mut after) = (Vec::new(), None::<Vec<u8>>);
        while collected.len() < COUNTED_MAX {
            let found = self.store.scan::<K>(&prefix, after.as_deref(), SCAN_BATCH).await?;
            collected.extend(found.iter().map(|(_, record)| read(&record.value)));
            match found.last() {
                Some((key, _)) if found.len() == SCAN_BATCH => after = Some(key.to_key()),
                _ => break,
            }
        }
        Ok(collected)
    }
}

/// Most entities of a kind that are counted.
const COUNTED_MAX: usize = 100_000;
/// How many records are read at once.
const SCAN_BATCH: usize = 1000;
