//! The first start: the home account and its first administrator.
//!
//! Invariant: run again, it changes nothing that exists.

use kanuki_keeper_protocol::Client;
use kanuki_store::{Store, Transaction};
use kanuki_types::{AccountId, Random, SecretBytes, Timestamp, UniqueId};

use super::{
    AccessKeyRecord, AccessKeys, AccountRecord, Accounts, Owner, PrincipalKind, PrincipalNames, PrincipalRecord,
    Principals, new_access_key_id, new_unique_id,
};
use crate::error::ApiError;

/// The name of the first administrator.
pub const ADMINISTRATOR: &str = "Admin";

/// The profile that the first administrator's credentials go into.
pub const ADMINISTRATOR_PROFILE: &str = "default";

/// The policy of the first administrator.
pub const ADMINISTRATOR_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A fresh access key; its secret is shown once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The id.
    pub id: String,
    /// The secret.
    pub secret: SecretBytes,
}

/// What the makers of principals need.
#[derive(Clone, Copy)]
pub struct Makers<'a> {
    /// The store.
    pub store: &'a Store,
    /// The keeper.
    pub keeper: &'a Client,
    /// Ids.
    pub random: &'a dyn Random,
    /// The present.
    pub now: Timestamp,
    /// Hands credentials over under a profile name, durably. It is called before the access key is committed: a crash
    /// between the two leaves a profile that does not work, never a key that nobody has.
    pub deliver: &'a (dyn Fn(&str, &NewAccessKey) -> std::io::Result<()> + Sync),
}

impl std::fmt::Debug for Makers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Makers")
    }
}

impl Makers<'_> {
    /// Makes the home account with its administrator, if it does not exist. Answers whether it was made now.
    ///
    /// # Errors
    /// If store or keeper fail.
    pub async fn home(&self, account: AccountId) -> Result<bool, ApiError> {
        let mut change = Transaction::default();
        let Some(home) = self.new_account(account).await? else { return Ok(false) };
        change.create::<Accounts>(&account, &home);
        let mut record = PrincipalRecord {
            inline_policies: [("AdministratorAccess".to_owned(), ADMINISTRATOR_POLICY.to_owned())].into(),
            ..PrincipalRecord::new(PrincipalKind::User, "/", ADMINISTRATOR, self.now)
        };
        let id = self.new_id(&record);
        let owner = Owner::User(id.clone());
        record.access_keys.insert(self.access_key(&mut change, account, owner, ADMINISTRATOR_PROFILE).await?);
        Self::principal(&mut change, account, &id, &record);
        self.store.commit(change).await?;
        Ok(true)
    }

    /// The record of an account that is still to be made; none if the account exists.
    pub(super) async fn new_account(&self, account: AccountId) -> Result<Option<AccountRecord>, ApiError> {
        let exists = self.store.get::<Accounts>(&account).await?.is_some();
        Ok((!exists).then(|| AccountRecord::new(self.now)))
    }

    /// A fresh id for a principal.
    pub(super) fn new_id(&self, record: &PrincipalRecord) -> UniqueId {
        new_unique_id(record.kind.id_prefix(), self.random)
    }

    /// Adds a principal to a change.
    pub(super) fn principal(change: &mut Transaction, account: AccountId, id: &UniqueId, record: &PrincipalRecord) {
        change.create::<Principals>(&(account, id.clone()), record);
        change.create::<PrincipalNames>(&(account, record.kind, record.name.to_ascii_lowercase()), id);
    }

    /// Adds an access key to a change and delivers it under a profile name. Answers its id, which its owner's record
    /// must name.
    pub(crate) async fn access_key(
        &self,
        change: &mut Transaction,
        account: AccountId,
        owner: Owner,
        profile: &str,
    ) -> Result<String, ApiError> {
        let id = new_access_key_id("AKIA", self.random);
        let (sealed_secret, secret) = self.keeper.create_access_key(&id).await?;
        let record = AccessKeyRecord { account, owner, active: true, created: self.now, sealed_secret };
        change.create::<AccessKeys>(&id, &record);
        (self.deliver)(profile, &NewAccessKey { id: id.clone(), secret }).map_err(ApiError::internal)?;
        Ok(id)
    }
}
