//! KMS keys: records, names, states, policies, and their use through the keeper.
//!
//! Not here: who may do what. Invariants: key material is here only as blobs that the keeper sealed; nothing is used
//! without a [`Proof`](crate::authz::Proof) that names the key; changes are handed back, not committed.

mod record;
mod entry;
mod resolve;
mod state;
mod policy;
mod rotation;
mod counters;
mod key_count;
mod import;
mod multi_region;
mod metadata;
mod tags;
mod aws_managed;
mod usage;
mod grants;
mod asymmetric;
mod recipient;
mod specs;
mod page;

use std::sync::Arc;

use kanuki_keeper_protocol::Client;
use kanuki_store::{Cache, KeyBytes as _, Store, StoreError, Versioned};
use kanuki_types::{AccountId, AliasArn, KeyArn, KeyId, Region, Timestamp};

pub use asymmetric::{DataKeyPair, Signable};
pub use aws_managed::{Predefined, make};
pub use entry::KeyEntry;
pub use grants::{
    CONSTRAINT_PAIRS_MAX, CONSTRAINT_VALUE_CHARS_MAX, GRANT_TOKEN_CHARS_MAX, GRANTS_PER_KEY_MAX, GrantConstraints,
    GrantEntry, GrantId, GrantOperation, GrantPrincipal, GrantRecord, GrantTerms, Held, Wanted, find_principal,
    grant_token, read_grant_token, session_place,
};
pub use import::{
    ExpirationModel, Expiries, ExpiryKey, ImportTerms, ImportType, Imported, associate, check_imports, expiration,
    is_importable, promote, remove, settle_state,
};
pub(crate) use key_count::count_new_key;
pub(crate) use metadata::{Algorithms, old_name};
pub use metadata::{Epoch, KeyMetadata};
pub use multi_region::{
    COPIES_MAX, MultiRegion, Role, check_not_replica, check_primary, not_primary, schedule_deletion, synchronisation,
};
pub use page::{Page, PageRequest};
pub use policy::{POLICY_BYTES_MAX, StoredPolicy, default_policy, finding_json, read_policy, warnings};
pub use record::{
    AliasRecord, Aliases, DeletionKey, Deletions, KeyRecord, Keys as KeyRecords, Material, RotationKey, Rotations,
    alias_key, key_key,
};
pub use resolve::{KeyName, Names};
pub use rotation::{
    ON_DEMAND_ROTATIONS_MAX, ROTATION_PERIOD_DAYS_DEFAULT, Rotated, RotationSchedule, RotationType, check_rotates,
    check_rotates_on_demand, check_symmetric, is_automatic, mark, rotate,
};
pub use specs::{encryption_algorithms, is_asymmetric, mac_algorithms, signing_algorithms, usages};
pub use state::{NOT_PENDING_DELETION, SWITCHABLE, USABLE, check_state};
pub use tags::{TAGS_MAX, read_tags, tag_facts, validate_tags};
pub use usage::How;
pub(crate) use usage::check_usage;

#[cfg(test)]
pub(crate) use grants::testing as grants_testing;
pub(crate) use grants::{GRANTS_CACHED_MAX, HeldGrants};

use crate::custom_key_stores::CustomKeyStores;

/// The door to everything about KMS keys.
pub struct Keys {
    store: Store,
    keeper: Client,
    outside: Arc<CustomKeyStores>,
    entries: Cache<KeyRecords, KeyEntry>,
    aliases: Cache<Aliases, AliasRecord>,
    held: HeldGrants,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the door.
    #[must_use]
    pub fn new(store: Store, keeper: Client, outside: Arc<CustomKeyStores>) -> Self {
        Self {
            entries: Cache::new(
                store.clone(),
                ENTRIES_CACHED_MAX,
                |(account, region, key_id): &(AccountId, Region, KeyId), record| {
                    let arn = KeyArn { account: *account, region: region.clone(), key_id: *key_id };
                    Ok(KeyEntry::new(arn, record)?)
                },
            ),
            aliases: Cache::new(store.clone(), ENTRIES_CACHED_MAX, |_, record| Ok(record.value)),
            held: HeldGrants::new(store.clone(), GRANTS_CACHED_MAX),
            store,
            keeper,
            outside,
        }
    }

    /// The key with that ARN.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn get(&self, arn: &KeyArn) -> Result<Option<Arc<KeyEntry>>, StoreError> {
        let Some(entry) = self.entries.get(&key_key(arn)).await? else { return Ok(None) };
        let Some(outside) = &entry.record().outside else { return Ok(Some(entry)) };
        let stores = self.outside.of(arn.account, &arn.region).await?;
        Ok(Some(Arc::new(entry.with_store(stores.find(&outside.store).cloned()))))
    }

    /// The alias with that ARN, for reading.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn alias(&self, arn: &AliasArn) -> Result<Option<Arc<AliasRecord>>, StoreError> {
        self.aliases.get(&alias_key(arn)).await
    }

    /// The alias with that ARN and its version, for changing.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn alias_for_change(&self, arn: &AliasArn) -> Result<Option<Versioned<AliasRecord>>, StoreError> {
        self.store.get::<Aliases>(&alias_key(arn)).await
    }
}

impl Keys {
    /// Keys of an account and Region, in the order of their ids.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list(
        &self,
        account: AccountId,
        region: &Region,
        page: &PageRequest,
    ) -> Result<Page<KeyArn>, StoreError> {
        let prefix = (account, region.clone()).to_key();
        let found = self.store.scan::<KeyRecords>(&prefix, page.after.as_deref(), page.limit + 1).await?;
        let arns = found.into_iter().map(|((account, region, key_id), _)| KeyArn { account, region, key_id }).collect();
        Ok(page.page(arns, |arn| key_key(arn).to_key()))
    }

    /// Aliases of an account and Region, in the order of their names; without a record those predefined ones whose key is
    /// not made yet.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_aliases(
        &self,
        account: AccountId,
        region: &Region,
        page: &PageRequest,
    ) -> Result<Page<(AliasArn, Option<AliasRecord>)>, StoreError> {
        let prefix = (account, region.clone()).to_key();
        let found = self.store.scan::<Aliases>(&prefix, page.after.as_deref(), page.limit + 1).await?;
        let aliases = found
            .into_iter()
            .map(|((account, region, name), record)| (AliasArn { account, region, name }, Some(record.value)))
            .collect();
        let aliases = aws_managed::with_predefined(account, region, page, aliases);
        Ok(page.page(aliases, |(arn, _)| alias_key(arn).to_key()))
    }

    /// Keys whose waiting period has ended, behind the one that was looked at last.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn due_for_deletion(
        &self,
        now: Timestamp,
        after: Option<&DeletionKey>,
        limit: usize,
    ) -> Result<Vec<(DeletionKey, Versioned<()>)>, StoreError> {
        let after = after.map(|due| due.to_key());
        let found = self.store.scan::<Deletions>(&[], after.as_deref(), limit).await?;
        Ok(found.into_iter().take_while(|((due, ..), _)| *due <= now).collect())
    }

    /// The mark of a key that waits for its deletion, for changing.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn deletion(&self, due: &DeletionKey) -> Result<Option<Versioned<()>>, StoreError> {
        self.store.get::<Deletions>(due).await
    }
}

/// Most keys, and most aliases, kept decoded.
const ENTRIES_CACHED_MAX: usize = 1_000_000;
