//! Secrets for a recipient: whatever a job would have answered leaves encrypted to the recipient's key, and not otherwise.
//!
//! Not here: whether the recipient may; and the form of the envelope (`cms.rs`).
//! Rule: `Recipient` of the AWS KMS API reference.
//! Invariant: no secret of such a job is in the answer.

use kanuki_keeper_protocol::{OwnedBytes, RECIPIENT_KEY_BYTES_MAX, Reason, RecipientJob, Response, Secret};

use crate::{
    cms::{self, RecipientKey},
    error::OpError,
    vault::Vault,
};

/// `ForRecipient`.
pub(super) fn answer(vault: &Vault, public_key: &[u8], job: &RecipientJob<'_>) -> Result<Response, OpError> {
    if public_key.len() > RECIPIENT_KEY_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    // Before anything is opened: a recipient that cannot be must not tell whether it opens.
    let recipient = RecipientKey::parse(public_key).ok_or(OpError::Refused(Reason::BadRecipient))?;
    let (secret, ciphertext, public_key) = match super::answer(&job.request(), vault)? {
        Response::Secret(secret) => (secret, None, None),
        Response::BytesAndSecret { bytes, secret } => (secret, Some(bytes), None),
        Response::DataKeyPair { private_key_ciphertext, public_key, private_key: Some(private_key) } => {
            (private_key, Some(private_key_ciphertext), Some(public_key))
        }
        _ => return Err(OpError::Failed),
    };
    let Secret(secret) = secret;
    let enveloped = OwnedBytes(cms::envelop(&recipient, secret.expose())?);
    Ok(Response::ForRecipient { enveloped, ciphertext, public_key })
}
