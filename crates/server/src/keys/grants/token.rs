//! Grant tokens: opaque texts that name a grant.
//!
//! A grant is in force for the very next call, so a token adds nothing to a call; it serves RetireGrant to name the
//! grant. Not a credential: whoever shows one gets no right by it, so it is not authenticated; what it names is looked
//! up, and who retires the grant must be allowed to. Invariant: no two tokens are alike.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kanuki_store::KeyBytes as _;
use kanuki_types::KeyArn;

use super::record::{GrantId, GrantKey, grant_key};
use crate::error::{ApiError, ErrorCode};

/// Longest token, in characters.
pub const GRANT_TOKEN_CHARS_MAX: usize = 8192;

/// A fresh token for a grant.
#[must_use]
pub fn grant_token(arn: &KeyArn, id: GrantId, nonce: [u8; NONCE_BYTES]) -> String {
    let place = grant_key(arn, id).to_key();
    STANDARD.encode([&[FORMAT], nonce.as_slice(), place.as_slice()].concat())
}

/// The grant that a token names, whether there is one or not.
///
/// # Errors
/// `InvalidGrantTokenException` for a text that no CreateGrant answered.
pub fn read_grant_token(token: &str) -> Result<(KeyArn, GrantId), ApiError> {
    let place = decode(token).ok_or_else(|| ApiError::new(ErrorCode::InvalidGrantToken, "The grant token is invalid."));
    let (account, region, key_id, id) = place?;
    Ok((KeyArn { account, region, key_id }, id))
}

fn decode(token: &str) -> Option<GrantKey> {
    let bytes = STANDARD.decode(token.as_bytes()).ok()?;
    let rest = bytes.strip_prefix(&[FORMAT])?;
    GrantKey::from_key(rest.get(NONCE_BYTES..)?)
}

/// Length of what makes tokens of one grant differ, in bytes.
const NONCE_BYTES: usize = 16;
const FORMAT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_name_their_grant_and_others_are_refused() {
        let key_id = kanuki_types::KeyId::single_region([7; 16]);
        let arn = KeyArn { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap(), key_id };
        let id = GrantId::new([9; 32]);
        let token = grant_token(&arn, id, [1; NONCE_BYTES]);
        assert_eq!(read_grant_token(&token).unwrap(), (arn.clone(), id));
        assert_ne!(token, grant_token(&arn, id, [2; NONCE_BYTES]));
        let bytes = STANDARD.decode(&token).unwrap();
        for wrong in [String::new(), "no token".into(), STANDARD.encode(&bytes[..bytes.len() - 1]), "AAAA".into()] {
            assert_eq!(read_grant_token(&wrong).unwrap_err().code(), ErrorCode::InvalidGrantToken, "{wrong}");
        }
    }
}
