//! Agreement on a secret with the holder of another key.
//!
//! Not a key derivation: what comes out is the raw x-coordinate.
//! Rule: `DeriveSharedSecret` of the AWS KMS API reference; SP 800-56A revision 3, section 5.7.1.2.
//! Invariant: the peer's point is on the curve of the key (full validation, section 5.6.2.3.3), or it is refused.

use aws_lc_rs::{
    agreement::{self, ParsedPublicKey, PrivateKey, UnparsedPublicKey},
    encoding::AsDer as _,
    signature,
};
use kanuki_keeper_protocol::{PEER_KEY_BYTES_MAX, Reason, Response, SealedMaterialRef, Secret};
use kanuki_types::KeySpec;

use super::material;
use crate::{
    error::{Failed, OpError},
    keys::{EcKey, ParsedKey},
    material::Material,
    vault::Vault,
};

/// `DeriveSharedSecret`.
pub(super) fn derive(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    peer_public_key: &[u8],
) -> Result<Response, OpError> {
    if !matches!(sealed.place.spec, KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521) {
        return Err(OpError::Refused(Reason::UnsupportedSpec));
    }
    if peer_public_key.len() > PEER_KEY_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let key = material::parsed(vault, sealed)?;
    let ParsedKey::Ec(key) = key.as_ref() else { return Err(OpError::Failed) };
    let private = key.agreeing.as_ref().ok_or(OpError::Failed)?;
    let peer = peer(key, private, peer_public_key).ok_or(OpError::Refused(Reason::BadPeerKey))?;
    let secret = agreement::agree(private, peer, Failed, |secret| Ok(Material::copy_of(secret)))?;
    Ok(Response::Secret(Secret(secret.into_secret())))
}

/// The peer's key; none unless it is SubjectPublicKeyInfo of a point on the same curve, in its only encoding.
fn peer(key: &EcKey, private: &PrivateKey, bytes: &[u8]) -> Option<ParsedPublicKey> {
    // The library also takes bare points, trailing bytes and curves whose parameters are spelt out (against RFC 5480,
    // section 2.1.1): what it writes is compared with what came.
    let read = signature::ParsedPublicKey::new(key.verification, bytes).ok()?;
    let written = read.as_der().ok()?;
    if written.as_ref() != bytes {
        return None;
    }
    ParsedPublicKey::try_from(UnparsedPublicKey::new(private.algorithm(), bytes)).ok()
}
