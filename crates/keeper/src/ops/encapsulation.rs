//! Encapsulation of secrets.
//!
//! Not encryption: the secret is made here, with its ciphertext.
//! Rule: FIPS 203, algorithms 20 and 21.
//! Invariant: a ciphertext of the right length always opens; one that was tampered with opens to another secret, and
//! nothing tells (implicit rejection).

use kanuki_keeper_protocol::{OwnedBytes, Reason, Response, SealedMaterialRef, Secret};

use super::material;
use crate::{
    error::OpError,
    keys::{Family, MlKemKey, ParsedKey, family},
    material::Material,
    vault::Vault,
};

/// Makes a secret under the key's own public half.
pub(super) fn encapsulate(vault: &Vault, sealed: &SealedMaterialRef<'_>) -> Result<Response, OpError> {
    let (ciphertext, secret) = with_key(vault, sealed, MlKemKey::encapsulate)?;
    Ok(Response::BytesAndSecret { bytes: OwnedBytes(ciphertext), secret: Secret(secret.into_secret()) })
}

/// Opens a ciphertext.
pub(super) fn decapsulate(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    ciphertext: &[u8],
) -> Result<Response, OpError> {
    let secret: Material = with_key(vault, sealed, |key| key.decapsulate(ciphertext))?;
    Ok(Response::Secret(Secret(secret.into_secret())))
}

fn with_key<T>(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    run: impl FnOnce(&MlKemKey) -> Result<T, crate::error::Failed>,
) -> Result<T, OpError> {
    if family(sealed.place.spec) != Some(Family::MlKem) {
        return Err(OpError::Refused(Reason::UnsupportedSpec));
    }
    match material::parsed(vault, sealed)?.as_ref() {
        ParsedKey::MlKem(key) => Ok(run(key)?),
        _ => Err(OpError::Failed),
    }
}
