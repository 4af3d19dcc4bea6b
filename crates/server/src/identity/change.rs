//! Changes of users, roles and groups, as transactions.
//!
//! Not here: the rules of the operations that want them. Invariants: nothing is changed but what was authorized; an
//! entity, its name and its uses of managed policies change together.

use kanuki_store::{Keyspace, Transaction, Versioned};
use kanuki_types::{AccountId, UniqueId};

use super::{
    Identity, PrincipalKind, PrincipalNames, PrincipalRecord, Principals, RoleUses, StoredPrincipal,
    managed::{PolicyEntities, PolicyRef, PolicyUses, UseCounts},
    names::entity_arn,
};
use crate::{authz::Proof, error::ApiError};

/// How an entity uses a managed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyUse {
    /// It is attached to a group.
    AttachedToGroup,
    /// It is attached to a role.
    AttachedToRole,
    /// It is attached to a user.
    AttachedToUser,
    /// It is the boundary of a role.
    BoundaryOfRole,
    /// It is the boundary of a user.
    BoundaryOfUser,
}

impl PolicyUse {
    /// Being attached to a principal.
    #[must_use]
    pub const fn attached_to(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::Role => Self::AttachedToRole,
            PrincipalKind::User => Self::AttachedToUser,
        }
    }

    /// Being the boundary of a principal.
    #[must_use]
    pub const fn boundary_of(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::Role => Self::BoundaryOfRole,
            PrincipalKind::User => Self::BoundaryOfUser,
        }
    }

    /// The part of the index's keys.
    #[must_use]
    pub const fn index_text(self) -> &'static str {
        match self {
            Self::AttachedToGroup => "attached/group",
            Self::AttachedToRole => "attached/role",
            Self::AttachedToUser => "attached/user",
            Self::BoundaryOfRole => "boundary/role",
            Self::BoundaryOfUser => "boundary/user",
        }
    }

    const fn is_boundary(self) -> bool {
        matches!(self, Self::BoundaryOfRole | Self::BoundaryOfUser)
    }
}

impl Identity {
    /// Makes a user or role with its name.
    ///
    /// # Errors
    /// If it was not authorized.
    pub fn create_principal(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        (account, id): (AccountId, &UniqueId),
        record: &PrincipalRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&entity_arn(account, record.kind.arn_word(), &record.path, &record.name))?;
        change.create::<Principals>(&(account, id.clone()), record);
        change.create::<PrincipalNames>(&name_key(account, record), id);
        Ok(())
    }

    /// Writes a user or role anew; if it has another name now, its name too.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn update_principal(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        stored: &StoredPrincipal,
        record: &PrincipalRecord,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&stored.arn())?;
        let account = stored.account();
        change.update::<Principals>(&(account, stored.id().clone()), stored.version(), record);
        let (old, new) = (name_key(account, stored.record()), name_key(account, record));
        if old != new {
            self.delete_record::<PrincipalNames>(change, &old).await?;
            change.create::<PrincipalNames>(&new, stored.id());
        }
        Ok(())
    }

    /// Removes a user or role with its name, its boundary's use and its own last use.
    ///
    /// # Errors
    /// If it was not authorized, or if the store fails.
    pub async fn delete_principal(
        &self,
        change: &mut Transaction,
        proof: &Proof,
        stored: &StoredPrincipal,
    ) -> Result<(), ApiError> {
        proof.covers_entity(&stored.arn())?;
        let (account, record) = (stored.account(), stored.record());
        if let Some(boundary) = &record.boundary {
            let policy_use = PolicyUse::boundary_of(record.kind);
            self.end_policy_use(change, (account, boundary), policy_use, stored.id()).await?;
        }
        let place = (account, stored.id().clone());
        if let Some(last) = self.store.get::<RoleUses>(&place).await? {
            change.delete::<RoleUses>(&place, last.version);
        }
        change.delete::<Principals>(&place, stored.version());
        self.delete_record::<PrincipalNames>(change, &name_key(account, record)).await
    }

    /// Notes that an entity uses a managed policy from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_policy_use(
        &self,
        change: &mut Transaction,
        (account, policy): (AccountId, &PolicyRef),
        policy_use: PolicyUse,
        entity: &UniqueId,
    ) -> Result<(), ApiError> {
        let key = (account, policy.as_str().to_owned());
        let counted = self.store.get::<PolicyUses>(&key).await?;
        let mut counts = counted.as_ref().map(|counted| counted.value).unwrap_or_default();
        let count = if policy_use.is_boundary() { &mut counts.boundaries } else { &mut counts.attachments };
        *count = count.saturating_add(1);
        match counted {
            Some(Versioned { version, .. }) => change.update::<PolicyUses>(&key, version, &counts),
            None => change.create::<PolicyUses>(&key, &counts),
        }
        change.create::<PolicyEntities>(&entity_key(account, policy, policy_use, entity), &());
        if let Some(id) = policy.own_id() {
            // The policy must still be there: its deletion looks at the counts alone.
            let policy = self.managed_policy(account, &id).await?;
            change.check::<super::ManagedPolicies>(&(account, id), policy.map(|policy| policy.version()).or(Some(0)));
        }
        Ok(())
    }

    /// Notes that an entity no longer uses a managed policy.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_policy_use(
        &self,
        change: &mut Transaction,
        (account, policy): (AccountId, &PolicyRef),
        policy_use: PolicyUse,
        entity: &UniqueId,
    ) -> Result<(), ApiError> {
        let key = (account, policy.as_str().to_owned());
        if let Some(Versioned { version, value: mut counts }) = self.store.get::<PolicyUses>(&key).await? {
            let count = if policy_use.is_boundary() { &mut counts.boundaries } else { &mut counts.attachments };
            *count = count.saturating_sub(1);
            if counts == UseCounts::default() {
                change.delete::<PolicyUses>(&key, version);
            } else {
                change.update::<PolicyUses>(&key, version, &counts);
            }
        }
        self.delete_record::<PolicyEntities>(change, &entity_key(account, policy, policy_use, entity)).await
    }

    /// Removes a record, if it is there.
    pub(super) async fn delete_record<K: Keyspace>(
        &self,
        change: &mut Transaction,
        key: &K::Key,
    ) -> Result<(), ApiError> {
        match self.store.get::<K>(key).await? {
            Some(found) => change.delete::<K>(key, found.version),
            None => change.check::<K>(key, None),
        }
        Ok(())
    }
}

fn name_key(account: AccountId, record: &PrincipalRecord) -> (AccountId, PrincipalKind, String) {
    (account, record.kind, record.name.to_ascii_lowercase())
}

fn entity_key(
    account: AccountId,
    policy: &PolicyRef,
    policy_use: PolicyUse,
    entity: &UniqueId,
) -> (AccountId, String, String, UniqueId) {
    (account, policy.as_str().to_owned(), policy_use.index_text().to_owned(), entity.clone())
}
