//! Instance profiles: the holders of roles that machines name.
//!
//! Not here: machines. Invariants: nothing is changed but what was authorized; a role's record counts the profiles it is
//! in, so that a role in a profile cannot be deleted by a call that saw none.

use std::collections::BTreeMap;

use kanuki_store::{KeyBytes as _, Keyspace, StoreError, Transaction, Versioned};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

use super::{EntityNames, Found, Identity, NamedKind, Principals, StoredPrincipal, names::entity_arn};
use crate::{authz::Proof, error::ApiError, keys::PageRequest, keyspaces};

/// Instance profiles by account and unique id.
#[derive(Debug)]
pub struct InstanceProfiles;

impl Keyspace for InstanceProfiles {
    const ID: u8 = keyspaces::INSTANCE_PROFILES;
    const NAME: &'static str = "instance profiles";
    type Key = (AccountId, UniqueId);
    type Value = InstanceProfileRecord;
}

/// An instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceProfileRecord {
    /// `/` or `/…/`.
    pub path: String,
    /// The name, in the spelling it was made with.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The role in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<UniqueId>,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// The profiles that roles are in: account, role, profile.
#[derive(Debug)]
pub struct RoleProfiles;

impl Keyspace for RoleProfiles {
    const ID: u8 = keyspaces::ROLE_PROFILES;
    const NAME: &'static str = "profiles of roles";
    type Key = (AccountId, UniqueId, UniqueId);
    type Value = ();
}

/// An instance profile as it is stored.
#[derive(Debug, Clone)]
pub struct StoredProfile {
    /// The account.
    pub account: AccountId,
    /// The unique id.
    pub id: UniqueId,
    /// The version that a change has to name.
    pub version: u64,
    /// The record.
    pub record: InstanceProfileRecord,
}

impl StoredProfile {
    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        entity_arn(self.account, NamedKind::InstanceProfile.arn_word(), &self.record.path, &self.record.name)
    }

    fn key(&self) -> (AccountId, UniqueId) {
        (self.account, self.id.clone())
    }
}

impl Identity {
    /// The instance profile with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn profile(&self, account: AccountId, id: &UniqueId) -> Result<Option<StoredProfile>, StoreError> {
        let found = self.store.get::<InstanceProfiles>(&(account, id.clone())).await?;
        Ok(found.map(|Versioned { version, value: record }| StoredProfile { account, id: id.clone(), version, record }))
    }

    /// The instance profile with that name; case does not count.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn profile_named(&self, account: AccountId, name: &str) -> Result<Option<StoredProfile>, StoreError> {
        match self.store.get::<EntityNames>(&name_key(account, name)).await? {
            Some(id) => self.profile(account, &id.value).await,
            None => Ok(None),
        }
    }

    /// Instance profiles whose path begins with a text, by name, and the place to go on from.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_profiles(
        &self,
        account: AccountId,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Found<StoredProfile>, StoreError> {
        let prefix = (account, NamedKind::InstanceProfile).to_key();
        let load = move |id| async move {
            let found = self.profile(account, &id).await?;
            Ok(found.filter(|found| found.record.path.starts_with(path_prefix)))
        };
        self.list_names::<EntityNames, _, _>(&prefix, page, load).await
    }

    /// The instance profiles that a role is in, from behind a place on, one more than the page has room for.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn profiles_of_role(
        &self,
        role: &StoredPrincipal,
        page: &PageRequest,
    ) -> Result<Vec<StoredProfile>, StoreError> {
        let prefix = (role.account(), role.id().clone()).to_key();
        let found = self.store.scan::<RoleProfiles>(&prefix, page.after.as_deref(), page.limit + 1).await?;
        let mut profiles = Vec::with_capacity(found.len());
        for ((account, _, id), _) in found {
            profiles.extend(self.profile(account, &id).await?);
        }
        Ok(profiles)
    }

    /// Makes an instance profile with its name.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn create_profile(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        profile: &StoredProfile,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&profile.arn())?;
        change.create::<InstanceProfiles>(&profile.key(), &profile.record);
        change.create::<EntityNames>(&name_key(profile.account, &profile.record.name), &profile.id);
        Ok(())
    }

    /// Writes an instance profile anew.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn update_profile(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        profile: &StoredProfile,
        record: &InstanceProfileRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&profile.arn())?;
        change.update::<InstanceProfiles>(&profile.key(), profile.version, record);
        Ok(())
    }

    /// Removes an instance profile with its name.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn delete_profile(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        profile: &StoredProfile,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&profile.arn())?;
        change.delete::<InstanceProfiles>(&profile.key(), profile.version);
        self.delete_record::<EntityNames>(change, &name_key(profile.account, &profile.record.name)).await
    }

    /// Puts a role into a profile, or takes it out.
    ///
    /// # Errors
    /// If the profile was not authorized, or if the store fails.
    pub async fn set_profile_role(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        profile: &StoredProfile,
        (role, is_in): (&StoredPrincipal, bool),
    ) -> Result<(), ApiError> {
        let mut record = profile.record.clone();
        record.role = is_in.then(|| role.id().clone());
        self.update_profile(change, proof, profile, &record)?;
        let mut record = role.record().clone();
        let place = (role.account(), role.id().clone(), profile.id.clone());
        if is_in {
            record.instance_profiles = record.instance_profiles.saturating_add(1);
            change.create::<RoleProfiles>(&place, &());
        } else {
            record.instance_profiles = record.instance_profiles.saturating_sub(1);
            self.delete_record::<RoleProfiles>(change, &place).await?;
        }
        change.update::<Principals>(&(role.account(), role.id().clone()), role.version(), &record);
        Ok(())
    }
}

/// The place of a profile in the index of its role's profiles.
#[must_use]
pub fn role_profile_key(role: &StoredPrincipal, profile: &StoredProfile) -> Vec<u8> {
    (role.account(), role.id().clone(), profile.id.clone()).to_key()
}

fn name_key(account: AccountId, name: &str) -> (AccountId, NamedKind, String) {
    (account, NamedKind::InstanceProfile, name.to_ascii_lowercase())
}
