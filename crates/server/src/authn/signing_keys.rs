//! Day-scoped signing keys, obtained from the keeper and kept while they are used.
//!
//! Not here: the secrets they come from; those never leave the keeper. Invariant: the cache is bounded, and an entry is
//! found only by access key, sealed secret, day, Region and service together, so that a new secret never meets an old key.

use std::sync::Arc;

use kanuki_keeper_protocol::{Client, KeeperError};
use kanuki_types::SecretBytes;
use quick_cache::sync::Cache;

use super::scope::CredentialScope;

/// The signing keys in use.
#[derive(Debug)]
pub(super) struct SigningKeys {
    keeper: Client,
    keys: Cache<Scope, Arc<SecretBytes>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Scope {
    access_key_id: String,
    sealed_secret: Arc<[u8]>,
    date: String,
    region: String,
    service: String,
}

impl SigningKeys {
    pub(super) fn new(keeper: Client) -> Self {
        Self { keeper, keys: Cache::new(SIGNING_KEYS_MAX) }
    }

    /// The key of a scope.
    ///
    /// # Errors
    /// If the keeper refuses or is gone.
    pub(super) async fn get(
        &self,
        credential: &CredentialScope,
        sealed_secret: &Arc<[u8]>,
    ) -> Result<Arc<SecretBytes>, KeeperError> {
        let scope = Scope {
            access_key_id: credential.access_key_id.clone(),
            sealed_secret: Arc::clone(sealed_secret),
            date: credential.date.clone(),
            region: credential.region.clone(),
            service: credential.service.clone(),
        };
        if let Some(key) = self.keys.get(&scope) {
            return Ok(key);
        }
        let Scope { access_key_id, date, region, service, .. } = &scope;
        let key = self.keeper.signing_key(access_key_id, sealed_secret.to_vec(), date, region, service).await?;
        let key = Arc::new(key);
        self.keys.insert(scope, Arc::clone(&key));
        Ok(key)
    }
}

/// Most signing keys kept at once.
const SIGNING_KEYS_MAX: usize = 10_000;
