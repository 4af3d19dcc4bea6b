//! Lists of entities in the order of their names, page by page.
//!
//! Invariants: a page looks at no more than [`EXAMINED_MAX`] names, however few of them the filter lets through; the
//! marker only says where to go on, and the prefix keeps every page in its account.

use std::{future::Future, sync::Arc};

use kanuki_store::{KeyBytes as _, Keyspace, StoreError};
use kanuki_types::{AccountId, UniqueId};

use super::{
    EntityNames, GroupEntry, Identity, ManagedEntry, NamedKind, PrincipalKind, PrincipalNames, StoredPrincipal,
};
use crate::keys::{Page, PageRequest};

impl Identity {
    /// Users or roles whose path begins with a text, and the place to go on from.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn principals_from(
        &self,
        (account, kind): (AccountId, PrincipalKind),
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Found<Arc<StoredPrincipal>>, StoreError> {
        let prefix = (account, kind).to_key();
        let load = move |id| async move {
            let found = self.stored_principal(account, &id).await?;
            Ok(found.filter(|found| found.record().path.starts_with(path_prefix)))
        };
        self.list_names::<PrincipalNames, _, _>(&prefix, page, load).await
    }

    /// A page of [`Identity::principals_from`].
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_principals(
        &self,
        (account, kind): (AccountId, PrincipalKind),
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<Arc<StoredPrincipal>>, StoreError> {
        Ok(marked(page, self.principals_from((account, kind), path_prefix, page).await?))
    }

    /// Groups whose path begins with a text, and the place to go on from.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn groups_from(
        &self,
        account: AccountId,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Found<Arc<GroupEntry>>, StoreError> {
        let prefix = (account, NamedKind::Group).to_key();
        let load = move |id| async move {
            let found = self.group(account, &id).await?;
            Ok(found.filter(|found| found.record().path.starts_with(path_prefix)))
        };
        self.list_names::<EntityNames, _, _>(&prefix, page, load).await
    }

    /// A page of [`Identity::groups_from`].
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_groups(
        &self,
        account: AccountId,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<Arc<GroupEntry>>, StoreError> {
        Ok(marked(page, self.groups_from(account, path_prefix, page).await?))
    }

    /// The account's own managed policies whose path begins with a text, and the place to go on from.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_policies(
        &self,
        account: AccountId,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Found<Arc<ManagedEntry>>, StoreError> {
        let prefix = (account, NamedKind::Policy).to_key();
        self.list_names::<EntityNames, _, _>(&prefix, page, move |id| async move {
            let found = self.managed_policy(account, &id).await?;
            Ok(found.filter(|found| found.record().path.starts_with(path_prefix)))
        })
        .await
    }

    /// What `load` makes of the ids under names that begin with `prefix`.
    pub(super) async fn list_names<K, T, F>(
        &self,
        prefix: &[u8],
        page: &PageRequest,
        load: impl Fn(UniqueId) -> F + Send,
    ) -> Result<Found<T>, StoreError>
    where
        K: Keyspace<Value = UniqueId>,
        T: Send,
        F: Future<Output = Result<Option<T>, StoreError>> + Send,
    {
        let mut after = page.after.clone();
        let (mut items, mut examined) = (Vec::new(), 0);
        loop {
            let batch = self.store.scan::<K>(prefix, after.as_deref(), BATCH).await?;
            let is_last = batch.len() < BATCH;
            for (key, id) in batch {
                if items.len() >= page.limit || examined >= EXAMINED_MAX {
                    return Ok((items, after));
                }
                items.extend(load(id.value).await?);
                after = Some(key.to_key());
                examined += 1;
            }
            if is_last {
                return Ok((items, None));
            }
        }
    }
}

/// Items, and the key of the name to go on behind, if there is more.
pub type Found<T> = (Vec<T>, Option<Vec<u8>>);

fn marked<T>(page: &PageRequest, (items, next): Found<T>) -> Page<T> {
    Page { items, next: next.map(|key| page.marker(&key)) }
}

/// How many names are read at once.
const BATCH: usize = 200;
/// Most names that one page looks at.
const EXAMINED_MAX: usize = 2000;
