//! Grants: rights on one key that are given to one principal, beside the key's policy.
//!
//! Not here: decisions; `authz` asks what a principal holds. Invariants: a grant never changes; it is in force for the
//! call that begins after CreateGrant has answered, and no longer after the call that ended it; it belongs to the
//! principal that was meant, not to a later one of the same name.
//!
//! Rule: "Grants in AWS KMS" of the developer guide.

mod operation;
mod terms;
mod record;
mod entry;
mod group;
mod token;
mod held;
mod change;
#[cfg(test)]
pub(crate) mod testing;

use kanuki_store::{KeyBytes as _, Keyspace, StoreError};
use kanuki_types::{Arn, KeyArn, Region};

pub use entry::GrantEntry;
pub use group::{Held, Wanted};
pub(crate) use held::HeldGrants;
pub use operation::GrantOperation;
pub use record::{GrantId, GrantPrincipal, GrantRecord, session_place};
use record::{Grants, GrantsByGrantee, GrantsByRetiring, grant_key, grantee_key};
pub use terms::{CONSTRAINT_PAIRS_MAX, CONSTRAINT_VALUE_CHARS_MAX, GrantConstraints, GrantTerms};
pub use token::{GRANT_TOKEN_CHARS_MAX, grant_token, read_grant_token};

use super::{Keys, Page, PageRequest, key_key};
use crate::identity::{Identity, PrincipalName};

/// Most grants of a key, unless the operator chose fewer.
///
/// Rule: "Resource quotas" of the AWS KMS developer guide.
pub const GRANTS_PER_KEY_MAX: u64 = 50_000;

/// Most grants kept decoded, as [`HeldGrants::new`] counts them: each of its four parts takes all grants of a key, with a
/// little to spare for what just came.
pub(crate) const GRANTS_CACHED_MAX: u64 = 4 * (GRANTS_PER_KEY_MAX + GRANTS_PER_KEY_MAX / 20);

impl Keys {
    /// The grant of a key with that id.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn grant(&self, arn: &KeyArn, id: GrantId) -> Result<Option<GrantEntry>, StoreError> {
        let found = self.store.get::<Grants>(&grant_key(arn, id)).await?;
        Ok(found.map(|found| GrantEntry::new(arn.clone(), id, found.value)))
    }

    /// What principals hold, for decisions.
    pub(crate) fn held(&self) -> &HeldGrants {
        &self.held
    }

    /// Grants of a key in the order of their ids; those of one grantee alone, if one is given.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_grants(
        &self,
        arn: &KeyArn,
        grantee: Option<&GrantPrincipal>,
        page: &PageRequest,
    ) -> Result<Page<GrantEntry>, StoreError> {
        let (after, limit) = (page.after.as_deref(), page.limit + 1);
        let found: Vec<GrantEntry> = match grantee {
            Some(grantee) => {
                let prefix = (arn.account, arn.region.clone(), arn.key_id, grantee.place()).to_key();
                let found = self.store.scan::<GrantsByGrantee>(&prefix, after, limit).await?;
                found.into_iter().map(|((.., id), record)| GrantEntry::new(arn.clone(), id, record.value)).collect()
            }
            None => {
                let found = self.store.scan::<Grants>(&key_key(arn).to_key(), after, limit).await?;
                found.into_iter().map(|((.., id), record)| GrantEntry::new(arn.clone(), id, record.value)).collect()
            }
        };
        Ok(page.page(found, |grant| match grantee {
            Some(grantee) => grantee_key(arn, grantee.place(), grant.id()).to_key(),
            None => grant_key(arn, grant.id()).to_key(),
        }))
    }

    /// Grants of a Region that name a principal as the one that may retire them, on keys of any account. A page may hold
    /// fewer than its limit, since grants of deleted keys are passed over.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn list_retirable_grants(
        &self,
        region: &Region,
        retiring: &GrantPrincipal,
        page: &PageRequest,
    ) -> Result<Page<GrantEntry>, StoreError> {
        let prefix = (region.clone(), retiring.place()).to_key();
        let found = self.store.scan::<GrantsByRetiring>(&prefix, page.after.as_deref(), page.limit + 1).await?;
        let Page { items, next } = page.page(found, |(key, _): &(<GrantsByRetiring as Keyspace>::Key, _)| key.to_key());
        let mut grants = Vec::with_capacity(items.len());
        for ((region, _, account, key_id, id), _) in items {
            let arn = KeyArn { account, region, key_id };
            if self.get(&arn).await?.is_some()
                && let Some(grant) = self.grant(&arn, id).await?
            {
                grants.push(grant);
            }
        }
        Ok(Page { items: grants, next })
    }

    /// Grants of a key that name a principal as the one that may retire them, at each of its places; at most `limit`.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub(crate) async fn retirable_of_key(
        &self,
        arn: &KeyArn,
        places: &[String],
        limit: usize,
    ) -> Result<Vec<GrantEntry>, StoreError> {
        let mut grants = Vec::new();
        for place in places {
            let prefix = (arn.region.clone(), place.clone(), arn.account, arn.key_id).to_key();
            let found = self.store.scan::<GrantsByRetiring>(&prefix, None, limit.saturating_sub(grants.len())).await?;
            for ((.., id), _) in found {
                grants.extend(self.grant(arn, id).await?);
            }
        }
        Ok(grants)
    }
}

/// Finds the principal that a grant names: an account, a user, a role or a session of a role; none if there is no such.
///
/// # Errors
/// If the store fails or refuses a record.
pub async fn find_principal(identity: &Identity, text: &str) -> Result<Option<GrantPrincipal>, StoreError> {
    Ok(match identity.resolve_principal(text).await? {
        PrincipalName::Account => Some(GrantPrincipal::Account { arn: text.to_owned() }),
        PrincipalName::Entity(id) => match session_name(text) {
            // A session without a name is nobody.
            Some(None) => None,
            Some(session @ Some(_)) => Some(GrantPrincipal::Entity { arn: text.to_owned(), id, session }),
            None => Some(GrantPrincipal::Entity { arn: text.to_owned(), id, session: None }),
        },
        PrincipalName::Unknown => None,
    })
}

/// The session that an ARN names: none if it names no session, none inside if it should and does not.
fn session_name(text: &str) -> Option<Option<String>> {
    let arn: Arn = text.parse().ok()?;
    let role_and_session = arn.resource.strip_prefix("assumed-role/").filter(|_| arn.service == "sts")?;
    let session = role_and_session.split_once('/').map(|(_, session)| session);
    Some(session.filter(|session| !session.is_empty() && !session.contains('/')).map(str::to_owned))
}
