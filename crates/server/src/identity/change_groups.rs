//! Changes of groups and of who belongs to them, as transactions.
//!
//! Invariants: nothing is changed but what was authorized; a membership stands in the user's record, in the index and
//! in the group's count at once, so that a group with members cannot be deleted by a call that saw none.

use kanuki_store::{KeyBytes as _, StoreError, Transaction};
use kanuki_types::{AccountId, UniqueId};

use super::{
    EntityNames, GroupEntry, GroupMembers, GroupRecord, Groups, Identity, NamedKind, Principals, StoredPrincipal,
    names::entity_arn,
};
use crate::{authz::Proof, error::ApiError, keys::PageRequest};

impl Identity {
    /// Makes a group with its name.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn create_group(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        (account, id): (AccountId, &UniqueId),
        record: &GroupRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&entity_arn(account, NamedKind::Group.arn_word(), &record.path, &record.name))?;
        change.create::<Groups>(&(account, id.clone()), record);
        change.create::<EntityNames>(&name_key(account, record), id);
        Ok(())
    }

    /// Writes a group anew; if it has another name now, its name too.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn update_group(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        group: &GroupEntry,
        record: &GroupRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&group.arn())?;
        let account = group.account();
        change.update::<Groups>(&(account, group.id().clone()), group.version(), record);
        let (old, new) = (name_key(account, group.record()), name_key(account, record));
        if old != new {
            self.delete_record::<EntityNames>(change, &old).await?;
            change.create::<EntityNames>(&new, group.id());
        }
        Ok(())
    }

    /// Removes a group with its name.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn delete_group(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        group: &GroupEntry,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&group.arn())?;
        change.delete::<Groups>(&(group.account(), group.id().clone()), group.version());
        self.delete_record::<EntityNames>(change, &name_key(group.account(), group.record())).await
    }

    /// Lets a user belong to a group.
    ///
    /// # Errors
    /// If the group was not authorized.
    pub fn join_group(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        group: &GroupEntry,
        user: &StoredPrincipal,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&group.arn())?;
        let account = group.account();
        let mut record = user.record().clone();
        record.groups.insert(group.id().clone());
        change.update::<Principals>(&(account, user.id().clone()), user.version(), &record);
        change.create::<GroupMembers>(&(account, group.id().clone(), user.id().clone()), &());
        let mut record = group.record().clone();
        record.members = record.members.saturating_add(1);
        change.update::<Groups>(&(account, group.id().clone()), group.version(), &record);
        Ok(())
    }

    /// Ends a user's belonging to a group.
    ///
    /// # Errors
    /// If the group was not authorized, or if the store fails.
    pub async fn leave_group(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        group: &GroupEntry,
        user: &StoredPrincipal,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&group.arn())?;
        let account = group.account();
        let mut record = user.record().clone();
        record.groups.remove(group.id());
        change.update::<Principals>(&(account, user.id().clone()), user.version(), &record);
        self.delete_record::<GroupMembers>(change, &(account, group.id().clone(), user.id().clone())).await?;
        let mut record = group.record().clone();
        record.members = record.members.saturating_sub(1);
        change.update::<Groups>(&(account, group.id().clone()), group.version(), &record);
        Ok(())
    }

    /// The ids of a group's members, one more than the page has room for.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn group_members(&self, group: &GroupEntry, page: &PageRequest) -> Result<Vec<UniqueId>, StoreError> {
        let prefix = (group.account(), group.id().clone()).to_key();
        let found = self.store.scan::<GroupMembers>(&prefix, page.after.as_deref(), page.limit + 1).await?;
        Ok(found.into_iter().map(|((_, _, user), _)| user).collect())
    }
}

/// The place of a member in the index.
#[must_use]
pub fn member_key(group: &GroupEntry, user: &UniqueId) -> Vec<u8> {
    (group.account(), group.id().clone(), user.clone()).to_key()
}

fn name_key(account: AccountId, record: &GroupRecord) -> (AccountId, NamedKind, String) {
    (account, NamedKind::Group, record.name.to_ascii_lowercase())
}
