//! The client's calls for recipients who prove what they are: attestations, and secrets that only they can open.
//!
//! Not here: the form of attestation documents; the server reads those. Invariant: as of the client.

use kanuki_types::Timestamp;

use super::{Client, unexpected};
use crate::{Attested, Bytes, KeeperError, OwnedBytes, RecipientJob, Request, Response};

/// What a job for a recipient answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Enveloped {
    /// The secret, as CMS EnvelopedData (RFC 5652) in BER: AES-256-CBC under a key in RSAES-OAEP with SHA-256.
    pub enveloped: Vec<u8>,
    /// The ciphertext of what was generated.
    pub ciphertext: Option<Vec<u8>>,
    /// The public half of a data key pair.
    pub public_key: Option<Vec<u8>>,
}

impl Client {
    /// Whether an attested message was signed under a certificate that leads to one of its roots now.
    ///
    /// # Errors
    /// [`crate::Reason::TooLarge`] for more or longer parts than the limits; what does not verify, for whatever reason,
    /// is no error.
    pub async fn verify_attestation(&self, attested: Attested<'_>, now: Timestamp) -> Result<bool, KeeperError> {
        self.verdict(&Request::VerifyAttestation { attested, now }).await
    }

    /// Does a job whose secret leaves the keeper only encrypted to a recipient.
    ///
    /// # Errors
    /// [`crate::Reason::BadRecipient`] if the recipient's key is no RSA key of 2048 to 4096 bits; else as the job.
    pub async fn for_recipient(&self, public_key: &[u8], job: RecipientJob<'_>) -> Result<Enveloped, KeeperError> {
        match self.mux.call(&Request::ForRecipient { public_key: Bytes(public_key), job }).await? {
            Response::ForRecipient { enveloped: OwnedBytes(enveloped), ciphertext, public_key } => Ok(Enveloped {
                enveloped,
                ciphertext: ciphertext.map(|OwnedBytes(ciphertext)| ciphertext),
                public_key: public_key.map(|OwnedBytes(public_key)| public_key),
            }),
            other => Err(unexpected(&other)),
        }
    }
}
