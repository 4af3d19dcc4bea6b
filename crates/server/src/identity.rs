//! Accounts, principals and their credentials.
//!
//! Not here: signatures and decisions. Invariants: a principal is found by its unique id, which is never used again; a
//! secret access key is here only as the blob that the keeper sealed.

mod records;
mod names;
mod managed;
mod aws_managed;
mod groups;
mod entries;
mod generation;
mod sources;
mod compose;
mod change;
mod change_groups;
mod change_policies;
mod change_access_keys;
mod list;
mod profiles;
mod account;
mod last_use;
mod reports;
mod session;
mod mfa;
mod oidc;
mod unique_id;
pub mod bootstrap;
pub mod seed;

use std::{collections::BTreeMap, sync::Arc};

use kanuki_keeper_protocol::Client;
use kanuki_policy::{NamedDocument, rewrite_principals};
use kanuki_store::{Cache, Store, StoreError, Versioned};
use kanuki_types::{AccountId, Arn, PARTITION, SecretBytes, UniqueId};

use crate::error::ApiError;
use compose::Composable;
use generation::Generation;

pub use account::{AccountAliases, EntityCounts};
pub use aws_managed::{AWS_POLICIES, AWS_POLICY_VERSION, AwsPolicy, aws_policy};
pub use change::PolicyUse;
pub use change_access_keys::KeyOwner;
pub use change_groups::member_key;
pub use entries::{AccessKeyEntry, PrincipalEntry, StoredPrincipal};
pub use groups::{GroupEntry, GroupMembers, GroupRecord, Groups};
pub use last_use::{AccessKeyUses, LastUse, RoleUses, Used};
pub use list::Found;
pub use managed::{
    ManagedEntry, ManagedPolicies, ManagedPolicy, ManagedPolicyRecord, PolicyArn, PolicyEntities, PolicyRef,
    PolicyUses, PolicyVersionEntry, PolicyVersionRecord, PolicyVersions, UseCounts, version_name,
};
pub use mfa::{Assignment, CheckedCode, MfaDeviceEntry, MfaDeviceRecord, MfaDevices, mfa_serial};
pub(crate) use mfa::{ENABLE_REACH_STEPS, RESYNC_REACH_STEPS};
pub use names::{EntityNames, NamedKind, entity_arn};
pub(crate) use oidc::URL_CHARS_MAX;
pub use oidc::{OidcProviderEntry, OidcProviderRecord, OidcProviders, oidc_provider_arn};
pub use profiles::{InstanceProfileRecord, InstanceProfiles, RoleProfiles, StoredProfile, role_profile_key};
pub use records::{
    AccessKeyRecord, AccessKeys, AccountRecord, Accounts, MAX_SESSION_SECONDS_DEFAULT, Owner, PrincipalKind,
    PrincipalNames, PrincipalRecord, Principals, TrustPolicy,
};
pub use reports::CredentialReport;
pub use session::{SessionClaims, SessionKind, SessionPolicies, TOKEN_CHARS_MAX, WebFacts};
pub use sources::{InlineHolder, PolicySource, PolicySources};
pub use unique_id::{new_access_key_id, new_session_key_id, new_unique_id, session_key_account};

/// The door to everything about principals.
pub struct Identity {
    store: Store,
    keeper: Client,
    access_keys: Cache<AccessKeys, AccessKeyEntry>,
    principals: Cache<Principals, Composable>,
    groups: Cache<Groups, GroupEntry>,
    managed_policies: Cache<ManagedPolicies, ManagedEntry>,
    policy_versions: Cache<PolicyVersions, PolicyVersionEntry>,
    aws_policies: BTreeMap<String, NamedDocument>,
    generation: Arc<Generation>,
    notes: last_use::Notes,
    reports: reports::Reports,
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
                Ok(AccessKeyEntry::new(id.clone(), record))
            }),
            principals: Cache::new(
                store.clone(),
                ENTRIES_CACHED_MAX,
                |(account, id): &(AccountId, UniqueId), record| {
                    Ok(Composable::new(StoredPrincipal::new(*account, id.clone(), record)?))
                },
            ),
            groups: Cache::new(store.clone(), ENTRIES_CACHED_MAX, |(account, id): &(AccountId, UniqueId), record| {
                Ok(GroupEntry::new(*account, id.clone(), record)?)
            }),
            managed_policies: Cache::new(
                store.clone(),
                ENTRIES_CACHED_MAX,
                |(account, id): &(AccountId, UniqueId), record| Ok(ManagedEntry::new(*account, id.clone(), record)),
            ),
            policy_versions: Cache::new(store.clone(), ENTRIES_CACHED_MAX, |_, record| {
                Ok(PolicyVersionEntry::new(record)?)
            }),
            aws_policies: aws_managed::compiled(),
            // Behind the caches of the parts, so that they are fresh when it moves.
            generation: Generation::new(&store),
            notes: last_use::Notes::default(),
            reports: reports::Reports::default(),
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

    /// The user or role with that id, as it is stored.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn stored_principal(
        &self,
        account: AccountId,
        id: &UniqueId,
    ) -> Result<Option<Arc<StoredPrincipal>>, StoreError> {
        let found = self.principals.get(&(account, id.clone())).await?;
        Ok(found.map(|found| Arc::clone(found.stored())))
    }

    /// The user or role with that name, with every policy that counts for it; case does not count, as names are unique
    /// without it.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn named(
        &self,
        account: AccountId,
        kind: PrincipalKind,
        name: &str,
    ) -> Result<Option<Arc<PrincipalEntry>>, ApiError> {
        match self.id_of(account, kind, name).await? {
            Some(id) => self.principal(account, &id).await,
            None => Ok(None),
        }
    }

    /// The user or role with that name, as it is stored; case does not count.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn stored_named(
        &self,
        account: AccountId,
        kind: PrincipalKind,
        name: &str,
    ) -> Result<Option<Arc<StoredPrincipal>>, StoreError> {
        match self.id_of(account, kind, name).await? {
            Some(id) => self.stored_principal(account, &id).await,
            None => Ok(None),
        }
    }

    async fn id_of(&self, account: AccountId, kind: PrincipalKind, name: &str) -> Result<Option<UniqueId>, StoreError> {
        let key = (account, kind, name.to_ascii_lowercase());
        Ok(self.store.get::<PrincipalNames>(&key).await?.map(|id| id.value))
    }

    /// The group with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn group(&self, account: AccountId, id: &UniqueId) -> Result<Option<Arc<GroupEntry>>, StoreError> {
        self.groups.get(&(account, id.clone())).await
    }

    /// Whether an account has a managed policy of that name, whatever its path.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn policy_name_is_taken(&self, account: AccountId, name: &str) -> Result<bool, StoreError> {
        let key = (account, NamedKind::Policy, name.to_ascii_lowercase());
        Ok(self.store.get::<EntityNames>(&key).await?.is_some())
    }

    /// The group with that name; case does not count.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn group_named(&self, account: AccountId, name: &str) -> Result<Option<Arc<GroupEntry>>, StoreError> {
        match self.store.get::<EntityNames>(&(account, NamedKind::Group, name.to_ascii_lowercase())).await? {
            Some(id) => self.group(account, &id.value).await,
            None => Ok(None),
        }
    }

    /// A version of an account's own managed policy.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn policy_version(
        &self,
        policy: &ManagedEntry,
        number: u32,
    ) -> Result<Option<Arc<PolicyVersionEntry>>, StoreError> {
        self.policy_versions.get(&(policy.account(), policy.id().clone(), version_name(number))).await
    }

    /// The account's own managed policy with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn managed_policy(
        &self,
        account: AccountId,
        id: &UniqueId,
    ) -> Result<Option<Arc<ManagedEntry>>, StoreError> {
        self.managed_policies.get(&(account, id.clone())).await
    }

    /// The managed policy that an ARN names, of an account's own or of the service's.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn policy_by_arn(
        &self,
        account: AccountId,
        arn: &PolicyArn,
    ) -> Result<Option<ManagedPolicy>, StoreError> {
        let Some(owner) = arn.account else { return Ok(aws_policy(&arn.path, &arn.name).map(ManagedPolicy::Aws)) };
        if owner != account {
            return Ok(None);
        }
        let key = (account, NamedKind::Policy, arn.name.to_ascii_lowercase());
        let Some(id) = self.store.get::<EntityNames>(&key).await? else { return Ok(None) };
        let found = self.managed_policy(account, &id.value).await?;
        let is_it = |found: &Arc<ManagedEntry>| found.record().name == arn.name && found.record().path == arn.path;
        Ok(found.filter(is_it).map(ManagedPolicy::Own))
    }

    /// The account.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn account(&self, account: AccountId) -> Result<Option<Versioned<AccountRecord>>, StoreError> {
        self.store.get::<Accounts>(&account).await
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
        token_chars_min: usize,
    ) -> Result<(Vec<u8>, SecretBytes), ApiError> {
        Ok(self.keeper.issue_session(access_key_id, claims.to_padded_bytes(token_chars_min)?).await?)
    }

    /// A document as it is shown: a principal under the ARN that it has now, a deleted one by its unique id.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn shown_document(
        &self,
        text: &str,
        principal_ids: &BTreeMap<String, UniqueId>,
    ) -> Result<String, StoreError> {
        let mut shown = BTreeMap::new();
        for (arn, id) in principal_ids {
            let account = arn.parse::<Arn>().ok().and_then(|arn| arn.account.parse().ok());
            let Some(account) = account else { continue };
            match self.stored_principal(account, id).await? {
                None => shown.insert(arn.as_str(), id.to_string()),
                // A session goes on under its role's name, which never changes.
                Some(found) if found.record().kind == PrincipalKind::User && found.arn() != *arn => {
                    shown.insert(arn.as_str(), found.arn())
                }
                Some(_) => None,
            };
        }
        if shown.is_empty() {
            return Ok(text.to_owned());
        }
        Ok(rewrite_principals(text, |principal| shown.get(principal).cloned()))
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
            // The name of a federated session is free text, and nothing stands behind it that could be bound.
            ("sts", Some(("federated-user", name))) if !name.is_empty() => {
                let exists = self.account_exists(account).await?;
                return Ok(if exists { PrincipalName::Account } else { PrincipalName::Unknown });
            }
            ("sts", Some(("assumed-role", rest))) => {
                let role = rest.split_once('/').map_or(rest, |(role, _)| role);
                let found = self.stored_named(account, PrincipalKind::Role, role).await?;
                // A session's name is free text; its role's name counts exactly.
                let found = found.filter(|entry| entry.record().name == role);
                return Ok(found.map_or(PrincipalName::Unknown, |entry| PrincipalName::Entity(entry.id().clone())));
            }
            _ => return Ok(PrincipalName::Unknown),
        };
        let name = path_and_name.rsplit_once('/').map_or(path_and_name, |(_, name)| name);
        let found = self.stored_named(account, kind, name).await?.filter(|entry| entry.arn() == text);
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

/// Most access keys, principals, groups, managed policies and their versions kept decoded, of each.
const ENTRIES_CACHED_MAX: usize = 100_000;
