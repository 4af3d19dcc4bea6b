//! Harnesses for what vouches for somebody: tokens of identity providers, their sets of keys, attestation documents.
//!
//! Not here: signatures; whatever is read here is hostile until one was verified.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_server::{
    authn::{read_key_set, read_unverified_token},
    recipient::read_document,
};

/// Tokens: the first line is the header, the second what is claimed; a text of one line is a token as it is sent.
pub fn fuzz_web_token(data: &[u8]) -> bool {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let token = match (lines.next(), lines.next()) {
        (Some(header), Some(claims)) => {
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            format!("{}.{}.{}", part(header), part(claims), part(lines.next().unwrap_or_default()))
        }
        _ => match str::from_utf8(data) {
            Ok(token) => token.to_owned(),
            Err(_) => return false,
        },
    };
    let clients = [CLIENT.to_owned()];
    let is_taken = read_unverified_token(&token, &clients, NOW);
    assert!(!read_unverified_token(&token, &[], NOW), "a token was taken that was made for no client");
    assert!(!read_unverified_token(&token, &clients, i64::MAX), "a token never ends");
    is_taken
}

/// Sets of keys as a provider publishes them.
pub fn fuzz_key_set(data: &[u8]) -> bool {
    match read_key_set(data) {
        Some(usable) => {
            assert!(usable <= KEYS_MAX, "a set holds more keys than are ever looked at");
            usable > 0
        }
        None => false,
    }
}

/// Attestation documents: the bytes as they are, and as the payload of an envelope that is right.
pub fn fuzz_attestation(data: &[u8]) -> bool {
    let is_document = read_document(data);
    let payload_length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    let envelope = [ENVELOPE_START, &payload_length, data, &[0x58, 0x60], &[0; 96]].concat();
    read_document(&envelope) || is_document
}

/// A list of four: the protected header for ES384, no other header, and a payload with a length of two bytes.
const ENVELOPE_START: &[u8] = &[0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0, 0x59];
const CLIENT: &str = "client";
const NOW: i64 = 1_500;
const KEYS_MAX: usize = 100;
