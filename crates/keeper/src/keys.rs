//! Asymmetric keys: made, parsed and written.
//!
//! Not here: what is done with them (`ops/`), and symmetric and HMAC keys, which are bytes without a form.
//! Invariants: a parsed key is of its spec and valid; a private key has one written form, PKCS#8 of RFC 5208 in DER, so
//! that the same key has the same bytes however it came here; the public half is SubjectPublicKeyInfo of RFC 5280.

mod cache;
mod rsa;
mod ec;
mod ed25519;
mod ml_dsa;
mod ml_kem;

use kanuki_keeper_protocol::Reason;
use kanuki_types::KeySpec;

pub(crate) use self::{
    cache::{ParsedKeys, name},
    ec::EcKey,
    ed25519::EdKey,
    ml_dsa::{MU_BYTES, MlDsaKey},
    ml_kem::MlKemKey,
    rsa::{RsaKey, oaep, oaep_decrypt, wrapping_key},
};
use crate::{
    der,
    error::{Failed, OpError},
    material::Material,
};

/// A private key that is ready for use.
#[derive(Debug)]
pub(crate) enum ParsedKey {
    Ec(EcKey),
    Ed25519(EdKey),
    MlDsa(MlDsaKey),
    MlKem(MlKemKey),
    Rsa(RsaKey),
}

impl ParsedKey {
    /// Parses PKCS#8 of a spec.
    pub(crate) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        if !der::is_one_sequence(pkcs8) {
            return Err(Failed);
        }
        match family(spec) {
            Some(Family::Ec) => EcKey::parse(spec, pkcs8).map(Self::Ec),
            Some(Family::Ed25519) => EdKey::parse(pkcs8).map(Self::Ed25519),
            Some(Family::MlDsa) => MlDsaKey::parse(spec, pkcs8).map(Self::MlDsa),
            Some(Family::MlKem) => MlKemKey::parse(spec, pkcs8).map(Self::MlKem),
            Some(Family::Rsa) => RsaKey::parse(spec, pkcs8).map(Self::Rsa),
            None => Err(Failed),
        }
    }

    /// The key's one written form.
    pub(crate) fn to_pkcs8(&self) -> Result<Material, Failed> {
        match self {
            Self::Ec(key) => key.to_pkcs8(),
            Self::Ed25519(key) => key.to_pkcs8(),
            Self::MlDsa(key) => key.to_pkcs8(),
            Self::MlKem(key) => Ok(key.to_pkcs8()),
            Self::Rsa(key) => key.to_pkcs8(),
        }
    }

    /// SubjectPublicKeyInfo of the public half.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        match self {
            Self::Ec(key) => key.public_key(),
            Self::Ed25519(key) => key.public_key(),
            Self::MlDsa(key) => key.public_key(),
            Self::MlKem(key) => Ok(key.public_key()),
            Self::Rsa(key) => key.public_key(),
        }
    }
}

/// A new private key in its written form, with its public half.
pub(crate) fn generate(spec: KeySpec) -> Result<(Material, Vec<u8>), OpError> {
    let pkcs8 = match family(spec) {
        Some(Family::Ec) => ec::generate(spec)?,
        Some(Family::Ed25519) => ed25519::generate()?,
        Some(Family::MlDsa) => ml_dsa::generate(spec)?,
        Some(Family::MlKem) => ml_kem::generate(spec)?,
        Some(Family::Rsa) => rsa::generate(spec)?,
        None => return Err(OpError::Refused(Reason::UnsupportedSpec)),
    };
    let public_key = ParsedKey::parse(spec, pkcs8.expose())?.public_key()?;
    Ok((pkcs8, public_key))
}

/// The kinds of asymmetric keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Ec,
    Ed25519,
    MlDsa,
    MlKem,
    Rsa,
}

/// The kind of a spec; none for one that is symmetric or not implemented.
pub(crate) fn family(spec: KeySpec) -> Option<Family> {
    match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Some(Family::Rsa),
        KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 | KeySpec::EccSecgP256k1 => Some(Family::Ec),
        KeySpec::EccNistEdwards25519 => Some(Family::Ed25519),
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => Some(Family::MlDsa),
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => Some(Family::MlKem),
        // The library has no SM2.
        KeySpec::Sm2
        | KeySpec::SymmetricDefault
        | KeySpec::Hmac224
        | KeySpec::Hmac256
        | KeySpec::Hmac384
        | KeySpec::Hmac512 => None,
    }
}

#[cfg(test)]
mod tests;
