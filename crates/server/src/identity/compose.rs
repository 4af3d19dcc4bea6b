//! What a user or role may: its own policies, its groups', the managed ones of both, and its boundary, put together.
//!
//! Not here: decisions, and which policies there are (`sources`). Invariants: a principal is never composed without a
//! part that its record names: were a part left out, what it denies would be allowed; what was composed is used only
//! while nothing of it has changed.

use std::sync::{Arc, PoisonError, RwLock};

use kanuki_store::{StoreError, Transaction};
use kanuki_types::{AccountId, UniqueId};

use super::{
    Identity,
    entries::{PrincipalEntry, StoredPrincipal},
    groups::Groups,
    managed::ManagedPolicies,
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

/// A record beside a principal's own that it is put together of, with the version that was read. The texts of policy
/// versions are none: they never change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Group(UniqueId, u64),
    Policy(UniqueId, u64),
}

impl Part {
    /// Lets a change fail if the record is another one by then.
    pub(super) fn expect_unchanged(&self, account: AccountId, change: &mut Transaction) {
        match self {
            Self::Group(id, version) => change.check::<Groups>(&(account, id.clone()), Some(*version)),
            Self::Policy(id, version) => change.check::<ManagedPolicies>(&(account, id.clone()), Some(*version)),
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
        Ok(self.sources(stored).await?.map(|sources| sources.into_entry(stored)))
    }
}

/// How often a principal is read again when a part of it is missing.
pub(super) const ATTEMPTS_MAX: usize = 8;
