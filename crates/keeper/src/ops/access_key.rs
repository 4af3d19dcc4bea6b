//! Secret access keys: made here, sealed here, and never out again but once, to their owner. Those that another system
//! gave out are sealed here too, and never out again.
//!
//! Not here: which access key ids exist.
//! Rule: "Create a signed AWS API request" of the AWS IAM user guide, step "calculate the signature", for the signing
//! key.
//! Invariants: a sealed secret opens only for its access key id; what the server gets for verifying signatures is good
//! for one day, Region and service.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{
    ACCESS_KEY_ID_BYTES_MAX, OwnedBytes, Reason, Response, SCOPE_PART_BYTES_MAX, Scope, Secret,
};
use zeroize::Zeroizing;

use crate::{error::OpError, keyring::Keyring, material::Material};

/// Makes a secret access key.
pub(super) fn create(keyring: &mut Keyring, access_key_id: &str) -> Result<Response, OpError> {
    check_id(access_key_id)?;
    let random = Material::random(SECRET_RANDOM_BYTES)?;
    let secret = to_text(random.expose());
    let sealed = keyring.access_keys.seal(access_key_id.as_bytes(), secret.expose())?;
    Ok(Response::BytesAndSecret { bytes: OwnedBytes(sealed), secret: Secret(secret.into_secret()) })
}

/// Seals a secret access key that another system gave out.
pub(super) fn seal(keyring: &mut Keyring, access_key_id: &str, secret: &[u8]) -> Result<Response, OpError> {
    check_id(access_key_id)?;
    match secret.len() {
        0 => return Err(OpError::Refused(Reason::BadRequest)),
        1..=GIVEN_SECRET_BYTES_MAX => {}
        _ => return Err(OpError::Refused(Reason::TooLarge)),
    }
    Ok(Response::Bytes(OwnedBytes(keyring.access_keys.seal(access_key_id.as_bytes(), secret)?)))
}

/// Derives a signing key from a sealed secret access key.
pub(super) fn signing_key(
    keyring: &mut Keyring,
    access_key_id: &str,
    sealed: &[u8],
    scope: &Scope<'_>,
) -> Result<Response, OpError> {
    check_id(access_key_id)?;
    check_scope(scope)?;
    let secret = keyring.access_keys.open(access_key_id.as_bytes(), sealed)?;
    Ok(Response::Secret(Secret(derive(&secret, scope).into_secret())))
}

/// The signing key of AWS Signature Version 4.
pub(super) fn derive(secret: &Material, scope: &Scope<'_>) -> Material {
    let mut key = Zeroizing::new(Vec::with_capacity(PREFIX.len() + secret.expose().len()));
    key.extend_from_slice(PREFIX);
    key.extend_from_slice(secret.expose());
    for part in [scope.date, scope.region, scope.service, TERMINATION] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes());
        key = Zeroizing::new(tag.as_ref().to_vec());
    }
    Material::new(key)
}

/// Thirty random bytes as forty characters `[A-Za-z0-9+/]`.
///
/// Base64 without a table: an index that depends on a secret would show in the cache.
pub(super) fn to_text(bytes: &[u8]) -> Material {
    let (groups, _) = bytes.as_chunks::<3>();
    let mut text = Zeroizing::new(Vec::with_capacity(groups.len() * 4));
    for [a, b, c] in groups {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        text.extend([18, 12, 6, 0].map(|shift| character((bits >> shift) & 0x3f)));
    }
    Material::new(text)
}

/// The character of six bits, by arithmetic without a branch.
fn character(six: u32) -> u8 {
    // All ones where `six` is at least the bound.
    let from = |bound: u32| ((bound.wrapping_sub(1).wrapping_sub(six)) >> 31).wrapping_neg();
    let mut code = six.wrapping_add(u32::from(b'A'));
    code = code.wrapping_add(from(26) & (u32::from(b'a') - u32::from(b'Z') - 1));
    code = code.wrapping_sub(from(52) & (u32::from(b'z') + 1 - u32::from(b'0')));
    code = code.wrapping_sub(from(62) & (u32::from(b'9') + 1 - u32::from(b'+')));
    code = code.wrapping_add(from(63) & (u32::from(b'/') - u32::from(b'+') - 1));
    code.to_le_bytes()[0]
}

pub(super) fn check_id(access_key_id: &str) -> Result<(), OpError> {
    match access_key_id.len() {
        0 => Err(OpError::Refused(Reason::BadRequest)),
        1..=ACCESS_KEY_ID_BYTES_MAX => Ok(()),
        _ => Err(OpError::Refused(Reason::TooLarge)),
    }
}

pub(super) fn check_scope(scope: &Scope<'_>) -> Result<(), OpError> {
    let date = scope.date.as_bytes();
    if date.len() != DATE_DIGITS || !date.iter().all(u8::is_ascii_digit) {
        return Err(OpError::Refused(Reason::BadRequest));
    }
    if scope.region.len().max(scope.service.len()) > SCOPE_PART_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    Ok(())
}

/// 240 bits; forty characters when written.
pub(super) const SECRET_RANDOM_BYTES: usize = 30;
/// Longest secret that another system may have given out, in bytes.
const GIVEN_SECRET_BYTES_MAX: usize = 128;
const PREFIX: &[u8] = b"AWS4";
const TERMINATION: &str = "aws4_request";
const DATE_DIGITS: usize = 8;

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn signing_key_of_the_published_example() {
        let secret = Material::copy_of(b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let scope = Scope { date: "20150830", region: "us-east-1", service: "iam" };
        let hex: String = derive(&secret, &scope).expose().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn text_is_base64_for_every_group_of_bits() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(|n| [n.to_be_bytes()[0], n.to_be_bytes()[1], 0x5a]).collect();
        let expected = base64::engine::general_purpose::STANDARD.encode(&bytes);
        assert_eq!(to_text(&bytes).expose(), expected.as_bytes());
        let all: std::collections::BTreeSet<u8> = (0..64).map(character).collect();
        assert_eq!(all.len(), 64);
    }

    #[test]
    fn scopes_out_of_form_are_refused() {
        let of = |date, region| check_scope(&Scope { date, region, service: "kms" });
        assert_eq!(of("20150830", "us-east-1"), Ok(()));
        for date in ["", "2015083", "201508300", "2015083a"] {
            assert_eq!(of(date, "us-east-1"), Err(OpError::Refused(Reason::BadRequest)));
        }
        assert_eq!(of("20150830", &"x".repeat(65)), Err(OpError::Refused(Reason::TooLarge)));
        assert_eq!(check_id(""), Err(OpError::Refused(Reason::BadRequest)));
        assert_eq!(check_id(&"A".repeat(129)), Err(OpError::Refused(Reason::TooLarge)));
    }
}
