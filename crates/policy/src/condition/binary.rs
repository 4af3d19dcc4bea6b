//! BinaryEquals: bytes that stand in base64 in the policy.
//!
//! Not here: base64 without padding or in the URL alphabet.
//! Invariant: bytes are compared, not their spelling.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Item;

/// Reads a policy's value.
pub(crate) fn parse(text: &str) -> Option<Box<[u8]>> {
    STANDARD.decode(text).ok().map(Into::into)
}

/// Whether a request's value, bytes or their base64, is among a policy's.
pub(crate) fn matches(values: &[Box<[u8]>], item: Item<'_>) -> bool {
    let is_listed = |bytes: &[u8]| values.iter().any(|value| **value == *bytes);
    match item {
        Item::Bytes(bytes) => is_listed(bytes),
        Item::Text(text) => parse(text).is_some_and(|bytes| is_listed(&bytes)),
    }
}
