//! Ed25519 keys (RFC 8032; written as RFC 8410 says).
//!
//! Not Ed25519ph: the library's safe interface has none.
//! Invariant: a written public half, where there is one, is the private half's.

use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey},
};

use crate::{error::Failed, material::Material};

/// A key for signatures.
#[derive(Debug)]
pub(crate) struct EdKey {
    pub(crate) signing: Ed25519KeyPair,
    pub(crate) verifying: ParsedPublicKey,
}

impl EdKey {
    pub(super) fn parse(pkcs8: &[u8]) -> Result<Self, Failed> {
        let signing = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| Failed)?;
        let verifying = ParsedPublicKey::new(&ED25519, signing.public_key().as_ref()).map_err(|_| Failed)?;
        Ok(Self { signing, verifying })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Material, Failed> {
        Ok(Material::copy_of(self.signing.to_pkcs8v1()?.as_ref()))
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        Ok(self.signing.public_key().as_der()?.as_ref().to_vec())
    }
}

pub(super) fn generate() -> Result<Material, Failed> {
    Ok(Material::copy_of(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref()))
}
