//! The client's calls for second factors and for tokens of others.
//!
//! Not here: which device is whose, how often it may fail, and which keys are trusted; the server knows.
//! Invariant: a seed reaches the server once, when it is made.

use kanuki_types::SecretBytes;

use super::{Client, unexpected};
use crate::{Bytes, ForeignAlgorithm, ForeignKey, KeeperError, MfaSteps, Request, Response, SecretRef};

impl Client {
    /// Generates the seed of a device; answers its sealed form and itself, as 64 characters of base32 (RFC 4648).
    ///
    /// # Errors
    /// [`crate::Reason::BadRequest`] and [`crate::Reason::TooLarge`] for a name out of form.
    pub async fn create_mfa_seed(&self, device: &str) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        self.bytes_and_secret(&Request::CreateMfaSeed { device }).await
    }

    /// Checks a one-time code (RFC 6238: SHA-1, 30 seconds, six digits), or two of consecutive steps. Answers the step
    /// of the (later) code, which from now on counts as taken; none if it is not right.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if the sealed seed is not this device's, [`crate::Reason::TooLarge`] over the limits.
    pub async fn check_mfa_code(
        &self,
        device: &str,
        sealed: &[u8],
        code: &str,
        next_code: Option<&str>,
        steps: MfaSteps,
    ) -> Result<Option<u64>, KeeperError> {
        let code = SecretRef(code.as_bytes());
        let next_code = next_code.map(|code| SecretRef(code.as_bytes()));
        match self.mux.call(&Request::CheckMfaCode { device, sealed: Bytes(sealed), code, next_code, steps }).await? {
            Response::MfaStep(step) => Ok(step),
            other => Err(unexpected(&other)),
        }
    }

    /// Verifies a signature under a public key of somebody else. Whatever is wrong with key or signature, the verdict
    /// is no.
    ///
    /// # Errors
    /// [`crate::Reason::TooLarge`] over the limits, [`crate::Reason::UnsupportedAlgorithm`] if the algorithm is not for
    /// this kind of key.
    pub async fn verify_foreign(
        &self,
        key: ForeignKey<'_>,
        algorithm: ForeignAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, KeeperError> {
        let (message, signature) = (Bytes(message), Bytes(signature));
        self.verdict(&Request::VerifyForeign { key, algorithm, message, signature }).await
    }
}
