//! What a user or role may: its own policies, its groups', the managed ones of both, and its boundary, put together.
//!
//! Not here: decisions. Invariants: a principal is never composed without a part that its record names: were a part
//! left out, what it denies would be allowed; what was composed is used only while nothing of it has changed.

use std::sync::{Arc, PoisonError, RwLock};

use kanuki_policy::NamedDocument;
use kanuki_store::StoreError;
use kanuki_types::{AccountId, UniqueId};

use super::{
    Identity,
    entries::{PrincipalEntry, StoredPrincipal},
    managed::{PolicyRef, version_name},
};
use crate::error::ApiError;

/// A stored principal with what was last composed of it.
#[derive(Debug)]
pub(super) struct Composable {
    stored: Arc<StoredPrincipal>,
    composed: RwLock<Option<(u64, Arc<PrincipalEntry>)>>,
}

impl Composable {
    pub(super) fn new(stored: StoredPrincipal) -> Self {
        Self { stored: Arc::new(stored), composed: RwLock::new(None) }
    }

    pub(super) fn stored(&self) -> &Arc<StoredPrincipal> {
        &self.stored
    }

    fn composed(&self, generation: Option<u64>) -> Option<Arc<PrincipalEntry>> {
        let composed = self.composed.read().unwrap_or_else(PoisonError::into_inner);
        composed.as_ref().filter(|(number, _)| Some(*number) == generation).map(|(_, entry)| Arc::clone(entry))
    }

    fn keep(&self, generation: Option<u64>, entry: &Arc<PrincipalEntry>) {
        if let Some(number) = generation {
            *self.composed.write().unwrap_or_else(PoisonError::into_inner) = Some((number, Arc::clone(entry)));
        }
    }
}

impl Identity {
    /// The user or role with that id, with every policy that counts for it.
    ///
    /// # Errors
    /// If the store fails or refuses a record, or if a part is missing.
    pub async fn principal(&self, account: AccountId, id: &UniqueId) -> Result<Option<Arc<PrincipalEntry>>, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(own) = self.principals.get(&(account, id.clone())).await? else { return Ok(None) };
            let generation = self.generation.current();
            if let Some(entry) = own.composed(generation) {
                return Ok(Some(entry));
            }
            // A part that is missing was removed together with its mention a moment ago: what was read is old.
            if let Some(entry) = self.compose(own.stored()).await? {
                let entry = Arc::new(entry);
                own.keep(generation, &entry);
                return Ok(Some(entry));
            }
        }
        Err(ApiError::internal("a principal names a policy or group that does not exist"))
    }

    /// Puts a principal together; none if a part is missing.
    async fn compose(&self, stored: &Arc<StoredPrincipal>) -> Result<Option<PrincipalEntry>, StoreError> {
        let account = stored.account();
        let record = stored.record();
        let mut policies = stored.inline_policies().to_vec();
        for reference in &record.attached {
            let Some(document) = self.policy_in_force(account, reference).await? else { return Ok(None) };
            policies.push(document);
        }
        for id in &record.groups {
            let Some(group) = self.group(account, id).await? else { return Ok(None) };
            policies.extend_from_slice(group.policies());
            for reference in &group.record().attached {
                let Some(document) = self.policy_in_force(account, reference).await? else { return Ok(None) };
                policies.push(document);
            }
        }
        let boundary = match &record.boundary {
            Some(reference) => match self.policy_in_force(account, reference).await? {
                Some(document) => Some(document),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(PrincipalEntry::new(Arc::clone(stored), policies, boundary)))
    }

    /// The version of a managed policy that is in force; none if there is no such policy.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn policy_in_force(
        &self,
        account: AccountId,
        reference: &PolicyRef,
    ) -> Result<Option<NamedDocument>, StoreError> {
        let Some(id) = reference.own_id() else { return Ok(self.aws_policies.get(reference.as_str()).cloned()) };
        let Some(policy) = self.managed_policies.get(&(account, id.clone())).await? else { return Ok(None) };
        let name = version_name(policy.record().default_version);
        let version = self.policy_versions.get(&(account, id, name)).await?;
        Ok(version.map(|version| version.named(&policy.arn())))
    }
}

/// How often a principal is read again when a part of it is missing.
const ATTEMPTS_MAX: usize = 8;
