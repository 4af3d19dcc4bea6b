//! Message authentication codes.
//!
//! Not truncated: a MAC is as long as its hash.
//! Rule: `GenerateMac` and `VerifyMac` of the AWS KMS API reference; HMAC of FIPS 198-1 (RFC 2104).
//! Invariants: the algorithm is the one of the key spec; comparison takes the same time for every wrong MAC.

use aws_lc_rs::hmac::{self, HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use kanuki_keeper_protocol::{MESSAGE_BYTES_MAX, OwnedBytes, Reason, Response, SealedMaterialRef};
use kanuki_types::{KeySpec, MacAlgorithm};

use super::material;
use crate::{error::OpError, vault::Vault};

/// `GenerateMac`.
pub(super) fn generate(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: MacAlgorithm,
    message: &[u8],
) -> Result<Response, OpError> {
    let key = key(vault, sealed, algorithm, message)?;
    Ok(Response::Bytes(OwnedBytes(hmac::sign(&key, message).as_ref().to_vec())))
}

/// `VerifyMac`.
pub(super) fn verify(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: MacAlgorithm,
    message: &[u8],
    mac: &[u8],
) -> Result<Response, OpError> {
    let key = key(vault, sealed, algorithm, message)?;
    Ok(Response::Verdict(hmac::verify(&key, message, mac).is_ok()))
}

/// The key, boxed: it is large, and a move would leave a copy behind.
fn key(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: MacAlgorithm,
    message: &[u8],
) -> Result<Box<hmac::Key>, OpError> {
    let algorithm = match (sealed.place.spec, algorithm) {
        (KeySpec::Hmac224, MacAlgorithm::HmacSha224) => HMAC_SHA224,
        (KeySpec::Hmac256, MacAlgorithm::HmacSha256) => HMAC_SHA256,
        (KeySpec::Hmac384, MacAlgorithm::HmacSha384) => HMAC_SHA384,
        (KeySpec::Hmac512, MacAlgorithm::HmacSha512) => HMAC_SHA512,
        _ => return Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
    };
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let material = material::open(&mut vault.keyring(), sealed)?;
    Ok(Box::new(hmac::Key::new(algorithm, material.expose())))
}
