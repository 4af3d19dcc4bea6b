//! Encryption of user data under the public half of RSA keys, and from key to key.
//!
//! Not here: symmetric encryption (`symmetric.rs`); labels: OAEP's is always empty, and an RSA key takes no additional
//! data.
//! Rule: `Encrypt`, `Decrypt` and `ReEncrypt` of the AWS KMS API reference; RSAES-OAEP of RFC 8017, section 7.1, with
//! the same hash in MGF1.
//! Invariants: the algorithm is one of the key spec's; what does not open says only that it does not.

use kanuki_keeper_protocol::{OwnedBytes, Reason, Response, SealedMaterialRef, Secret};
use kanuki_types::{EncryptionAlgorithm, KeySpec};

use super::{material, symmetric};
use crate::{
    error::{Failed, OpError},
    keys::{Family, ParsedKey, family, oaep, oaep_decrypt},
    material::Material,
    vault::Vault,
};

/// `Encrypt` under an RSA key.
pub(super) fn encrypt(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<Response, OpError> {
    Ok(Response::Bytes(OwnedBytes(seal(vault, sealed, algorithm, plaintext)?)))
}

/// `Decrypt` under an RSA key.
pub(super) fn decrypt(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Result<Response, OpError> {
    Ok(Response::Secret(Secret(open(vault, sealed, algorithm, ciphertext)?.into_secret())))
}

/// A key with the algorithm and the additional data for its use.
type Side<'a, 'b> = (&'a SealedMaterialRef<'b>, EncryptionAlgorithm, &'a [u8]);

/// `ReEncrypt`.
pub(super) fn re_encrypt(
    vault: &Vault,
    source: Side<'_, '_>,
    ciphertext: &[u8],
    destination: Side<'_, '_>,
) -> Result<Response, OpError> {
    let (from, from_algorithm, from_aad) = source;
    let (to, to_algorithm, to_aad) = destination;
    // Before the source is opened: a destination that cannot be must not tell whether it opens.
    let is_symmetric = (check_side(source)?, check_side(destination)?);
    let plaintext = match is_symmetric.0 {
        true => symmetric::open(vault, from, ciphertext, from_aad)?,
        false => open(vault, from, from_algorithm, ciphertext)?,
    };
    Ok(Response::Bytes(OwnedBytes(match is_symmetric.1 {
        true => symmetric::seal(vault, to, plaintext.expose(), to_aad)?,
        false => seal(vault, to, to_algorithm, plaintext.expose())?,
    })))
}

/// Whether a side is symmetric; refused if its algorithm is not its key's.
fn check_side((sealed, algorithm, aad): Side<'_, '_>) -> Result<bool, OpError> {
    match (sealed.place.spec, algorithm) {
        (KeySpec::SymmetricDefault, EncryptionAlgorithm::SymmetricDefault) => Ok(true),
        (spec, _) if family(spec) == Some(Family::Rsa) && oaep(algorithm).is_some() => {
            if aad.is_empty() {
                Ok(false)
            } else {
                Err(OpError::Refused(Reason::BadRequest))
            }
        }
        _ => Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
    }
}

fn seal(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, OpError> {
    let unsupported = OpError::Refused(Reason::UnsupportedAlgorithm);
    let algorithm = rsa_only(sealed, algorithm).ok_or(unsupported)?;
    let key = material::parsed(vault, sealed)?;
    let ParsedKey::Rsa(key) = key.as_ref() else { return Err(unsupported) };
    if plaintext.len() > key.encrypting.max_plaintext_size(algorithm) {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let mut ciphertext = vec![0; key.encrypting.ciphertext_size()];
    let length = key.encrypting.encrypt(algorithm, plaintext, &mut ciphertext, None).map_err(Failed::from)?.len();
    ciphertext.truncate(length);
    Ok(ciphertext)
}

fn open(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Result<Material, OpError> {
    let unsupported = OpError::Refused(Reason::UnsupportedAlgorithm);
    let algorithm = rsa_only(sealed, algorithm).ok_or(unsupported)?;
    let key = material::parsed(vault, sealed)?;
    let ParsedKey::Rsa(key) = key.as_ref() else { return Err(unsupported) };
    Ok(oaep_decrypt(&key.decrypting, algorithm, ciphertext)?)
}

fn rsa_only(
    sealed: &SealedMaterialRef<'_>,
    algorithm: EncryptionAlgorithm,
) -> Option<&'static aws_lc_rs::rsa::OaepAlgorithm> {
    if family(sealed.place.spec) == Some(Family::Rsa) { oaep(algorithm) } else { None }
}
