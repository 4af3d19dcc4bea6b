//! The client's two calls for imported key material.
//!
//! Not here: how long a token is good and what an import may replace; the server knows.
//! Invariant: the private half of a wrapping key reaches the server only sealed, inside the token.

use kanuki_types::{AccountId, KeyId, KeySpec, Region, Timestamp, WrappingAlgorithm, WrappingKeySpec};

use super::{Client, unexpected};
use crate::{Bytes, KeeperError, KeyPlace, NewMaterial, Request, Response};

impl Client {
    /// Makes a wrapping key. Answers the token, at most [`crate::IMPORT_BYTES_MAX`] bytes, and the key's public half
    /// (SubjectPublicKeyInfo in DER).
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedAlgorithm`] if the algorithm is not for material of this spec or not implemented,
    /// [`crate::Reason::UnsupportedSpec`] if material of this spec cannot be imported, [`crate::Reason::Busy`] if too
    /// much slow work waits.
    #[expect(clippy::too_many_arguments, reason = "the place of the key and what is asked for it")]
    pub async fn import_parameters(
        &self,
        account: AccountId,
        region: &Region,
        key_id: KeyId,
        spec: KeySpec,
        algorithm: WrappingAlgorithm,
        wrapping_key_spec: WrappingKeySpec,
        valid_to: Timestamp,
    ) -> Result<(Vec<u8>, Vec<u8>), KeeperError> {
        let key = KeyPlace { account, region: region.clone(), key_id, spec };
        let request = Request::ImportParameters { key, algorithm, wrapping_key_spec, valid_to };
        match self.mux.call(&request).await? {
            Response::ImportParameters { token, public_key } => Ok((token.0, public_key.0)),
            other => Err(unexpected(&other)),
        }
    }

    /// Unwraps material with the token's key, checks that it fits the spec, and seals it.
    ///
    /// # Errors
    /// [`crate::Reason::ImportTokenInvalid`], [`crate::Reason::ImportTokenExpired`], [`crate::Reason::UnwrapFailed`] and
    /// [`crate::Reason::MaterialInvalid`], in this order; [`crate::Reason::TooLarge`] over the limits.
    #[expect(clippy::too_many_arguments, reason = "the place of the key and what is imported into it")]
    pub async fn import_material(
        &self,
        account: AccountId,
        region: &Region,
        key_id: KeyId,
        spec: KeySpec,
        token: &[u8],
        encrypted: &[u8],
        now: Timestamp,
    ) -> Result<NewMaterial, KeeperError> {
        let key = KeyPlace { account, region: region.clone(), key_id, spec };
        self.material(&Request::ImportMaterial { key, token: Bytes(token), encrypted: Bytes(encrypted), now }).await
    }
}
