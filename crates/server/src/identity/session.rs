//! What a session token holds. The keeper seals it; nothing about a session is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_types::{AccountId, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

/// The facts frozen in a session token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionClaims {
    /// The account of the principal.
    pub account: AccountId,
    /// The role or user.
    pub principal: UniqueId,
    /// A role session's name; empty for a user.
    pub session_name: String,
    /// When the session was made.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl SessionClaims {
    /// The text of a sealed token.
    #[must_use]
    pub fn encode_token(sealed: &[u8]) -> String {
        STANDARD.encode(sealed)
    }

    /// The sealed token behind a text; none if it is not base64.
    #[must_use]
    pub fn decode_token(token: &str) -> Option<Vec<u8>> {
        STANDARD.decode(token.as_bytes()).ok()
    }
}
