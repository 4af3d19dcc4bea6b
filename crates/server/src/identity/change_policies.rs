//! Changes of managed policies and their versions, as transactions, and the questions who uses a policy.
//!
//! Invariants: nothing is changed but what was authorized; a policy that anybody uses is not deleted, whichever call
//! comes first.

use kanuki_store::{KeyBytes as _, StoreError, Transaction};
use kanuki_types::{AccountId, UniqueId};

use super::{
    EntityNames, Identity, ManagedEntry, ManagedPolicies, ManagedPolicyRecord, NamedKind, PolicyEntities, PolicyRef,
    PolicyUse, PolicyUses, PolicyVersionRecord, PolicyVersions, UseCounts, version_name,
};
use crate::{authz::Proof, error::ApiError};

impl Identity {
    /// Makes a managed policy with its name and its first version.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn create_policy(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        (account, id): (AccountId, &UniqueId),
        (record, text): (&ManagedPolicyRecord, &str),
    ) -> Result<(), ApiError> {
        proof.covers_entity(&record.arn(account))?;
        change.create::<ManagedPolicies>(&(account, id.clone()), record);
        change.create::<EntityNames>(&name_key(account, record), id);
        let first = PolicyVersionRecord { text: text.to_owned() };
        change.create::<PolicyVersions>(&(account, id.clone(), version_name(record.default_version)), &first);
        Ok(())
    }

    /// Writes a managed policy anew.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn update_policy(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        policy: &ManagedEntry,
        record: &ManagedPolicyRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&policy.arn())?;
        change.update::<ManagedPolicies>(&(policy.account(), policy.id().clone()), policy.version(), record);
        Ok(())
    }

    /// Adds the text of a version; the policy's record must name it.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn add_policy_version(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        policy: &ManagedEntry,
        (number, text): (u32, &str),
    ) -> Result<(), ApiError> {
        proof.covers_entity(&policy.arn())?;
        let version = PolicyVersionRecord { text: text.to_owned() };
        change.create::<PolicyVersions>(&(policy.account(), policy.id().clone(), version_name(number)), &version);
        Ok(())
    }

    /// Removes the text of a version; the policy's record must no longer name it.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn remove_policy_version(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        policy: &ManagedEntry,
        number: u32,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&policy.arn())?;
        let key = (policy.account(), policy.id().clone(), version_name(number));
        self.delete_record::<PolicyVersions>(change, &key).await
    }

    /// Removes a managed policy with its name and its only version, if nobody uses it.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn delete_policy(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        policy: &ManagedEntry,
    ) -> Result<(), ApiError> {
        let (account, id, record) = (policy.account(), policy.id().clone(), policy.record());
        self.remove_policy_version(change, proof, policy, record.default_version).await?;
        change.delete::<ManagedPolicies>(&(account, id.clone()), policy.version());
        self.delete_record::<EntityNames>(change, &name_key(account, record)).await?;
        // Whoever begins to use it meanwhile makes this record, and one of the two calls is decided again.
        change.check::<PolicyUses>(&(account, PolicyRef::own(&id).as_str().to_owned()), None);
        Ok(())
    }

    /// How often a managed policy is used in an account.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn policy_uses(&self, account: AccountId, policy: &PolicyRef) -> Result<UseCounts, StoreError> {
        let counts = self.store.get::<PolicyUses>(&(account, policy.as_str().to_owned())).await?;
        Ok(counts.map(|counts| counts.value).unwrap_or_default())
    }

    /// The entities that use a policy in one way, from behind `after` in the order of their ids, up to a number.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn policy_entities(
        &self,
        (account, policy): (AccountId, &PolicyRef),
        policy_use: PolicyUse,
        after: Option<&UniqueId>,
        limit: usize,
    ) -> Result<Vec<UniqueId>, StoreError> {
        let place = (account, policy.as_str().to_owned(), policy_use.index_text().to_owned());
        let prefix = place.to_key();
        let after = after.map(|id| (place.0, place.1.clone(), place.2.clone(), id.clone()).to_key());
        let found = self.store.scan::<PolicyEntities>(&prefix, after.as_deref(), limit).await?;
        Ok(found.into_iter().map(|((.., id), _)| id).collect())
    }
}

fn name_key(account: AccountId, record: &ManagedPolicyRecord) -> (AccountId, NamedKind, String) {
    (account, NamedKind::Policy, record.name.to_ascii_lowercase())
}
