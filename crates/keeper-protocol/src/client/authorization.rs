//! The client's calls for messages about denials.
//!
//! Not here: what a message says and who may read it; the server knows. Invariant: a message opens for the account that
//! it was sealed for, and for no other.

use kanuki_types::AccountId;

use super::Client;
use crate::{Bytes, KeeperError, Request};

impl Client {
    /// Seals a message for an account; it becomes [`crate::SEALED_OVERHEAD`] bytes longer.
    ///
    /// # Errors
    /// [`crate::Reason::TooLarge`] if it is longer than [`crate::AUTHORIZATION_MESSAGE_BYTES_MAX`].
    pub async fn seal_authorization_message(&self, account: AccountId, message: &[u8]) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::SealAuthorizationMessage { account, message: Bytes(message) }).await
    }

    /// Opens a sealed message.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if it was not sealed for this account under this keyring, [`crate::Reason::TooLarge`] if
    /// it is longer than any that is.
    pub async fn open_authorization_message(&self, account: AccountId, sealed: &[u8]) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::OpenAuthorizationMessage { account, sealed: Bytes(sealed) }).await
    }
}
