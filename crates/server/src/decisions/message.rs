//! Encoded authorization messages: what a denial rests on, sealed and handed to whoever was refused.
//!
//! Not here: who may have one decoded; `sts:DecodeAuthorizationMessage` says. Invariants: the keeper seals a message for
//! one account, and it opens for no other; a message has at most [`MESSAGE_CHARS_MAX`] characters, all of them good in a
//! header and in a URL; what one holds is what [`DecisionRecord::shown_to`] leaves; nothing of it is stored.
//!
//! Form: base64url without padding of the sealed message, which is the format byte 1, then DEFLATE (RFC 1951) of the
//! decision in JSON.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_keeper_protocol::{AUTHORIZATION_MESSAGE_BYTES_MAX, Client, KeeperError, SEALED_OVERHEAD};
use kanuki_types::AccountId;
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};

use super::records::{DECISION_BYTES_MAX, DecisionRecord};
use crate::error::{ApiError, ErrorCode};

/// What a refused caller may hand to somebody who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationMessage(String);

impl AuthorizationMessage {
    /// The text, which is what `DecodeAuthorizationMessage` takes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sentence that services put into the text of a denial who hand messages out in it, as Amazon EC2 does.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("Encoded authorization failure message: {}", self.0)
    }
}

/// The door to the keeper for messages.
#[derive(Debug, Clone)]
pub struct AuthorizationMessages {
    keeper: Client,
}

impl AuthorizationMessages {
    /// The door of a keeper.
    #[must_use]
    pub fn new(keeper: Client) -> Self {
        Self { keeper }
    }

    /// The message about a decision; none if it was made for somebody who belongs to no account.
    ///
    /// # Errors
    /// If the keeper fails, or if the decision does not fit however much is left out, which is a defect.
    pub(crate) async fn encode(&self, decision: &DecisionRecord) -> Result<Option<AuthorizationMessage>, ApiError> {
        let Some(account) = decision.account() else { return Ok(None) };
        let packed = pack(decision.shown_to(account))?;
        let sealed = self.keeper.seal_authorization_message(account, &packed).await?;
        Ok(Some(AuthorizationMessage(URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// The decision behind a message that was made for an account.
    ///
    /// # Errors
    /// `InvalidAuthorizationMessageException` for everything else, whatever is wrong with it; or if the keeper is gone.
    pub(crate) async fn decode(&self, account: AccountId, message: &str) -> Result<DecisionRecord, ApiError> {
        if message.len() > MESSAGE_CHARS_MAX {
            return Err(invalid());
        }
        let sealed = URL_SAFE_NO_PAD.decode(message).map_err(|_| invalid())?;
        match self.keeper.open_authorization_message(account, &sealed).await {
            Ok(packed) => unpack(&packed).ok_or_else(invalid),
            Err(KeeperError::Failed | KeeperError::Refused(_)) => Err(invalid()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Puts a decision into as few bytes as a message has, and leaves parts out until it fits.
fn pack(decision: DecisionRecord) -> Result<Vec<u8>, ApiError> {
    let mut packed = None;
    let _what_fits = decision.shortened_until(|decision| {
        packed = try_pack(decision);
        packed.is_some()
    });
    packed.ok_or_else(|| ApiError::internal("a decision does not fit into a message"))
}

fn try_pack(decision: &DecisionRecord) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(decision).ok()?;
    if json.len() > UNPACKED_BYTES_TRIED_MAX {
        return None;
    }
    let mut packed = vec![FORMAT];
    packed.append(&mut compress_to_vec(&json, COMPRESSION_LEVEL));
    (packed.len() <= PACKED_BYTES_MAX).then_some(packed)
}

fn unpack(packed: &[u8]) -> Option<DecisionRecord> {
    let (&FORMAT, rest) = packed.split_first()? else { return None };
    let json = decompress_to_vec_with_limit(rest, UNPACKED_BYTES_MAX).ok()?;
    serde_json::from_slice(&json).ok()
}

fn invalid() -> ApiError {
    ApiError::new(ErrorCode::InvalidAuthorizationMessage, "Message is not valid")
}

/// Longest message, in characters: with every other header of an answer it fits into the 4 KiB that the smallest usual
/// buffers of proxies have for all of them.
pub const MESSAGE_CHARS_MAX: usize = 3072;
/// Longest packed decision, in bytes.
const PACKED_BYTES_MAX: usize = MESSAGE_CHARS_MAX / 4 * 3 - SEALED_OVERHEAD;
const _: () = assert!(PACKED_BYTES_MAX <= AUTHORIZATION_MESSAGE_BYTES_MAX, "what the keeper takes");
/// Longest decision that is tried, in bytes; a longer one does not get short enough.
const UNPACKED_BYTES_TRIED_MAX: usize = 16 * 1024;
/// Longest decision that is read, in bytes.
const UNPACKED_BYTES_MAX: usize = DECISION_BYTES_MAX as usize;
const FORMAT: u8 = 1;
/// Quick rather than small: the text is short.
const COMPRESSION_LEVEL: u8 = 1;

#[cfg(test)]
mod tests;
