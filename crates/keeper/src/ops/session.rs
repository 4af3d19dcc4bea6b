//! Temporary credentials: a token that the caller carries, and a secret access key that nobody stores.
//!
//! Not here: what claims mean and when they expire; the server reads them.
//! Invariants: a token opens only for its access key id and under its keyring; the secret follows from the token, so a
//! token with any byte changed has no secret at all.

use kanuki_keeper_protocol::{CLAIMS_BYTES_MAX, OwnedBytes, Reason, Response, Scope, Secret};
use zeroize::Zeroizing;

use super::access_key::{SECRET_RANDOM_BYTES, check_id, check_scope, derive, to_text};
use crate::{
    error::{Failed, OpError},
    kdf::{self, Label},
    keyring::Keyring,
    material::Material,
};

/// Makes a token and its secret access key.
pub(super) fn issue(keyring: &mut Keyring, access_key_id: &str, claims: &[u8]) -> Result<Response, OpError> {
    check_id(access_key_id)?;
    if claims.len() > CLAIMS_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let token = keyring.tokens.seal(access_key_id.as_bytes(), claims)?;
    let secret = secret(keyring, access_key_id, &token)?;
    Ok(Response::BytesAndSecret { bytes: OwnedBytes(token), secret: Secret(secret.into_secret()) })
}

/// Opens a token; answers its claims and a signing key of its secret access key.
pub(super) fn open(
    keyring: &mut Keyring,
    access_key_id: &str,
    token: &[u8],
    scope: &Scope<'_>,
) -> Result<Response, OpError> {
    check_id(access_key_id)?;
    check_scope(scope)?;
    let claims = keyring.tokens.open(access_key_id.as_bytes(), token)?;
    let signing_key = derive(&secret(keyring, access_key_id, token)?, scope);
    Ok(Response::BytesAndSecret { bytes: OwnedBytes(claims.into_bytes()), secret: Secret(signing_key.into_secret()) })
}

fn secret(keyring: &Keyring, access_key_id: &str, token: &[u8]) -> Result<Material, Failed> {
    let length = u8::try_from(access_key_id.len()).map_err(|_| Failed)?;
    let context = [&[length], access_key_id.as_bytes(), token].concat();
    let mut bits = Zeroizing::new([0; SECRET_RANDOM_BYTES]);
    kdf::derive(keyring.token_key(token)?.expose(), Label::SessionSecret, &context, bits.as_mut_slice())?;
    Ok(to_text(bits.as_slice()))
}
