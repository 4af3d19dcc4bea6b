//! Messages about denials, sealed for the account whose caller was refused.
//!
//! Not here: what they say, and who may ask for them to be opened; the server knows both.
//! Invariant: a message opens only for the account that it was sealed for and under its keyring.

use kanuki_keeper_protocol::{AUTHORIZATION_MESSAGE_BYTES_MAX, OwnedBytes, Reason, Response, SEALED_OVERHEAD};
use kanuki_types::AccountId;

use crate::{error::OpError, keyring::Keyring};

/// Seals a message.
pub(super) fn seal(keyring: &mut Keyring, account: AccountId, message: &[u8]) -> Result<Response, OpError> {
    check_length(message, AUTHORIZATION_MESSAGE_BYTES_MAX)?;
    Ok(Response::Bytes(OwnedBytes(keyring.authorization_messages.seal(&account.to_bytes(), message)?)))
}

/// Opens a sealed message.
pub(super) fn open(keyring: &mut Keyring, account: AccountId, sealed: &[u8]) -> Result<Response, OpError> {
    check_length(sealed, AUTHORIZATION_MESSAGE_BYTES_MAX + SEALED_OVERHEAD)?;
    let message = keyring.authorization_messages.open(&account.to_bytes(), sealed)?;
    Ok(Response::Bytes(OwnedBytes(message.into_bytes())))
}

fn check_length(bytes: &[u8], max: usize) -> Result<(), OpError> {
    if bytes.len() > max { Err(OpError::Refused(Reason::TooLarge)) } else { Ok(()) }
}
