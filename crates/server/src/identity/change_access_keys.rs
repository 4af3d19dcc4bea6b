//! Changes of access keys, as transactions.
//!
//! Invariants: nothing is changed but what was authorized; a key and its mention in the owner's record change together,
//! so that nobody ever has more keys than the record says.

use std::{collections::BTreeSet, sync::Arc};

use kanuki_store::{StoreError, Transaction, Versioned};
use kanuki_types::{AccountId, SecretBytes};

use super::{
    AccessKeyEntry, AccessKeyRecord, AccessKeyUses, AccessKeys, AccountRecord, Accounts, Identity, Owner, Principals,
    StoredPrincipal,
};
use crate::{authz::Proof, error::ApiError};

/// Whose access keys are meant, with the record that names them.
#[derive(Debug)]
pub enum KeyOwner {
    /// The account's root, with its ARN.
    Root(AccountId, Versioned<AccountRecord>, String),
    /// A user.
    User(Arc<StoredPrincipal>),
}

impl KeyOwner {
    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root(account, ..) => *account,
            Self::User(user) => user.account(),
        }
    }

    /// The owner as keys name it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self {
            Self::Root(..) => Owner::Root,
            Self::User(user) => Owner::User(user.id().clone()),
        }
    }

    /// The ids of its keys, sorted.
    #[must_use]
    pub fn key_ids(&self) -> &BTreeSet<String> {
        match self {
            Self::Root(_, record, _) => &record.value.root_access_keys,
            Self::User(user) => &user.record().access_keys,
        }
    }

    fn arn(&self) -> String {
        match self {
            Self::Root(_, _, arn) => arn.clone(),
            Self::User(user) => user.arn(),
        }
    }

    fn change(&self, change: &mut Transaction, edit: impl FnOnce(&mut BTreeSet<String>)) {
        match self {
            Self::Root(account, Versioned { version, value }, _) => {
                let mut record = value.clone();
                edit(&mut record.root_access_keys);
                change.update::<Accounts>(account, *version, &record);
            }
            Self::User(user) => {
                let mut record = user.record().clone();
                edit(&mut record.access_keys);
                change.update::<Principals>(&(user.account(), user.id().clone()), user.version(), &record);
            }
        }
    }
}

impl Identity {
    /// Makes a secret for an access key id: as the keeper sealed it, and in clear for its owner, once.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn new_secret(&self, id: &str) -> Result<(Vec<u8>, SecretBytes), ApiError> {
        Ok(self.keeper.create_access_key(id).await?)
    }

    /// Adds a fresh access key to its owner's.
    ///
    /// # Errors
    /// If the owner was not authorized.
    pub fn create_access_key(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        owner: &KeyOwner,
        (id, record): (&str, &AccessKeyRecord),
    ) -> Result<(), ApiError> {
        proof.covers_entity(&owner.arn())?;
        change.create::<AccessKeys>(&id.to_owned(), record);
        owner.change(change, |keys| {
            keys.insert(id.to_owned());
        });
        Ok(())
    }

    /// Writes an access key anew.
    ///
    /// # Errors
    /// If the owner was not authorized.
    pub fn update_access_key(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        owner: &KeyOwner,
        (key, record): (&AccessKeyEntry, &AccessKeyRecord),
    ) -> Result<(), ApiError> {
        proof.covers_entity(&owner.arn())?;
        change.update::<AccessKeys>(&key.id().to_owned(), key.version(), record);
        Ok(())
    }

    /// Removes an access key, with its secret and its last use.
    ///
    /// # Errors
    /// If the owner was not authorized, or if the store fails.
    pub async fn delete_access_key(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        owner: &KeyOwner,
        key: &AccessKeyEntry,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&owner.arn())?;
        change.delete::<AccessKeys>(&key.id().to_owned(), key.version());
        owner.change(change, |keys| {
            keys.remove(key.id());
        });
        if let Some(last) = self.store.get::<AccessKeyUses>(&key.id().to_owned()).await? {
            change.delete::<AccessKeyUses>(&key.id().to_owned(), last.version);
        }
        Ok(())
    }

    /// Every access key of an owner, in the order of their ids.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn access_keys_of(&self, owner: &KeyOwner) -> Result<Vec<Arc<AccessKeyEntry>>, StoreError> {
        let mut keys = Vec::with_capacity(owner.key_ids().len());
        for id in owner.key_ids() {
            keys.extend(self.access_key(id).await?);
        }
        Ok(keys)
    }
}
