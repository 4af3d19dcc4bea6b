//! The doors that operations may use: keys, identity, time and ids.
//!
//! Not here: anything of the wire or the pipeline. Invariant: no door commits anything; changes are handed back to the
//! pipeline, which commits them together with their audit record.

use std::sync::Arc;

use kanuki_types::{Clock, Random};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    custom_key_stores::CustomKeyStores, decisions::AuthorizationMessages, error::ApiError, identity::Identity,
    keys::Keys, last_usage::LastUsage, settings::Settings,
};

/// What an operation can reach.
pub struct Doors {
    /// KMS keys, their policies, aliases and use.
    pub keys: Keys,
    /// Custom key stores and what stands behind them.
    pub custom_key_stores: Arc<CustomKeyStores>,
    /// Accounts, principals and credentials.
    pub identity: Arc<Identity>,
    /// The last uses of keys.
    pub last_usage: Arc<LastUsage>,
    /// Encoded authorization messages.
    pub messages: AuthorizationMessages,
    /// The operator's choices.
    pub settings: Arc<Settings>,
    /// The present, as the domain sees it.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub random: Arc<dyn Random>,
    /// Turns for simulations.
    pub simulations: Turns,
}

/// Turns for work that keeps a processor busy for a while: few at a time, in the order in which they are asked for, so
/// that the use of keys always finds a processor.
#[derive(Debug)]
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE_MAX))
    }
}

impl Turns {
    /// Waits for a turn; it ends when what is returned is dropped.
    ///
    /// # Errors
    /// Never while the server runs.
    pub async fn take(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.0.acquire().await.map_err(ApiError::internal)
    }
}

/// How much of such work is done at once.
const AT_ONCE_MAX: usize = 2;

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}
