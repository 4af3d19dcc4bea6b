//! Accounts, principals and their credentials.
//!
//! Not here: signatures and decisions. Invariants: a principal is found by its unique id, which is never used again; a
//! secret access key is here only as the blob that the keeper sealed.

mod records;
mod entries;
mod session;
mod unique_id;
pub mod bootstrap;
pub mod seed;

use std::sync::Arc;

use kanuki_keeper_protocol::Client;
use kanuki_store::{Cache, Store, StoreError};
use kanuki_types::{AccountId, Arn, PARTITION, SecretBytes, UniqueId};

use crate::error::ApiError;

pub use entries::{AccessKeyEntry, PrincipalEntry};
pub use records::{
    AccessKeyRecord, AccessKeys, AccountRecord, Accounts, Owner, PrincipalKind, PrincipalNames, PrincipalRecord,
    Principals,
};
pub use session::SessionClaims;
pub use unique_id::{new_access_key_id, new_unique_id};

/// The door to everything about principals.
pub struct Identity {
    store: Store,
    keeper: Client,
    access_keys: Cache<AccessKeys, AccessKeyEntry>,
    principals: Cache<Principals, PrincipalEntry>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens the door.
    #[must_use]
    pub fn new(store: Store, keeper: Client) -> Self {
        Self {
            keeper,
            access_keys: Cache::new(store.clone(), ENTRIES_CACHED_MAX, |id: &String, record| {
                Ok(AccessKeyEntry::new(id.clone(), record.value))
            }),
            principals: Cache::new(
                store.clone(),
                ENTRIES_CACHED_MAX,
                |(account, id): &(AccountId, UniqueId), record| {
                    Ok(PrincipalEntry::new(*account, id.clone(), record.value)?)
                },
            ),
            store,
        }
    }

    /// The access key with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn access_key(&self, id: &str) -> Result<Option<Arc<AccessKeyEntry>>, StoreError> {
        self.access_keys.get(&id.to_owned()).await
    }

    /// The user or role with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn principal(
        &self,
        account: AccountId,
        id: &UniqueId,
    ) -> Result<Option<Arc<PrincipalEntry>>, StoreError> {
        self.principals.get(&(account, id.clone())).await
    }

    /// The user or role with that name; case does not count, as names are unique without it.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn named(
        &self,
        account: AccountId,
        kind: PrincipalKind,
        name: &str,
    ) -> Result<Option<Arc<PrincipalEntry>>, StoreError> {
        let key = (account, kind, name.to_ascii_lowercase());
        match self.store.get::<PrincipalNames>(&key).await? {
            Some(id) => self.principal(account, &id.value).await,
            None => Ok(None),
        }
    }

    /// Whether the account exists.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn account_exists(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.store.get::<Accounts>(&account).await?.is_some())
    }

    /// Makes temporary credentials: the sealed token and the secret.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn issue_session(
        &self,
        access_key_id: &str,
        claims: &SessionClaims,
    ) -> Result<(Vec<u8>, SecretBytes), ApiError> {
        let claims = serde_json::to_vec(claims).map_err(ApiError::internal)?;
        Ok(self.keeper.issue_session(access_key_id, claims).await?)
    }

    /// Finds what a policy's principal stands for: the ARN of a user, a role, a role session or a federated user.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn resolve_principal(&self, text: &str) -> Result<PrincipalName, StoreError> {
        let Ok(arn) = text.parse::<Arn>() else { return Ok(PrincipalName::Unknown) };
        let Ok(account) = arn.account.parse::<AccountId>() else { return Ok(PrincipalName::Unknown) };
        if arn.partition != PARTITION || !arn.region.is_empty() {
            return Ok(PrincipalName::Unknown);
        }
        let (kind, path_and_name) = match (arn.service.as_str(), arn.resource.split_once('/')) {
            ("iam", None) if arn.resource == "root" => {
                let exists = self.account_exists(account).await?;
                return Ok(if exists { PrincipalName::Account } else { PrincipalName::Unknown });
            }
            ("iam", Some(("user", rest))) => (PrincipalKind::User, rest),
            ("iam", Some(("role", rest))) => (PrincipalKind::Role, rest),
            ("sts", Some(("assumed-role", rest))) => {
                let role = rest.split_once('/').map_or(rest, |(role, _)| role);
                let found = self.named(account, PrincipalKind::Role, role).await?;
                // A session's name is free text; its role's name counts exactly.
                let found = found.filter(|entry| entry.record().name == role);
                return Ok(found.map_or(PrincipalName::Unknown, |entry| PrincipalName::Entity(entry.id().clone())));
            }
            _ => return Ok(PrincipalName::Unknown),
        };
        let name = path_and_name.rsplit_once('/').map_or(path_and_name, |(_, name)| name);
        let found = self.named(account, kind, name).await?.filter(|entry| entry.arn() == text);
        Ok(found.map_or(PrincipalName::Unknown, |entry| PrincipalName::Entity(entry.id().clone())))
    }
}

/// What a principal in a policy stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalName {
    /// An account that exists.
    Account,
    /// A user or role that exists.
    Entity(UniqueId),
    /// Nothing.
    Unknown,
}

/// Most access keys, and most principals, kept decoded.
const ENTRIES_CACHED_MAX: usize = 100_000;
