//! RSA keys of 2048, 3072 and 4096 bits, with the exponent 65537 where they are made here.
//!
//! Not here: paddings of signatures (`ops/signature.rs`).
//! Invariant: the modulus is exactly as long as the spec says.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{
        KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
        OaepPublicEncryptingKey, PrivateDecryptingKey,
    },
    signature::RsaKeyPair,
};
use kanuki_types::{EncryptionAlgorithm, KeySpec, WrappingKeySpec};
use zeroize::Zeroizing;

use crate::{error::Failed, material::Material};

/// An RSA key for signing and for encryption; which of the two its owner chose is the server's to know.
#[derive(Debug)]
pub(crate) struct RsaKey {
    pub(crate) signing: RsaKeyPair,
    pub(crate) encrypting: OaepPublicEncryptingKey,
    pub(crate) decrypting: OaepPrivateDecryptingKey,
    private: PrivateDecryptingKey,
}

impl RsaKey {
    pub(super) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| Failed)?;
        if private.key_size_bits() != key_size(spec)?.len() * 8 {
            return Err(Failed);
        }
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| Failed)?,
            encrypting: OaepPublicEncryptingKey::new(private.public_key())?,
            decrypting: OaepPrivateDecryptingKey::new(private.clone())?,
            private,
        })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Material, Failed> {
        to_pkcs8(&self.private)
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        public_key(&self.private)
    }
}

pub(super) fn generate(spec: KeySpec) -> Result<Material, Failed> {
    to_pkcs8(&PrivateDecryptingKey::generate(key_size(spec)?)?)
}

/// A new key for wrapping material, and its public half; none if the library has no such key.
pub(crate) fn wrapping_key(spec: WrappingKeySpec) -> Option<Result<(Material, Vec<u8>), Failed>> {
    let size = match spec {
        WrappingKeySpec::Rsa2048 => KeySize::Rsa2048,
        WrappingKeySpec::Rsa3072 => KeySize::Rsa3072,
        WrappingKeySpec::Rsa4096 => KeySize::Rsa4096,
        WrappingKeySpec::Sm2 => return None,
    };
    let key = PrivateDecryptingKey::generate(size).map_err(Failed::from);
    Some(key.and_then(|key| Ok((to_pkcs8(&key)?, public_key(&key)?))))
}

/// RSAES-OAEP of the library; none for an algorithm that is none.
pub(crate) fn oaep(algorithm: EncryptionAlgorithm) -> Option<&'static OaepAlgorithm> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaesOaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::Sm2Pke | EncryptionAlgorithm::SymmetricDefault => None,
    }
}

/// Decrypts RSAES-OAEP with an empty label.
pub(crate) fn oaep_decrypt(
    key: &OaepPrivateDecryptingKey,
    algorithm: &'static OaepAlgorithm,
    ciphertext: &[u8],
) -> Result<Material, Failed> {
    let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key.decrypt(algorithm, ciphertext, &mut plaintext, None)?.len();
    // What is cut off was never written.
    plaintext.truncate(length);
    Ok(Material::new(plaintext))
}

fn to_pkcs8(key: &PrivateDecryptingKey) -> Result<Material, Failed> {
    let der: Pkcs8V1Der<'_> = key.as_der()?;
    Ok(Material::copy_of(der.as_ref()))
}

fn public_key(key: &PrivateDecryptingKey) -> Result<Vec<u8>, Failed> {
    let der: PublicKeyX509Der<'_> = key.public_key().as_der()?;
    Ok(der.as_ref().to_vec())
}

fn key_size(spec: KeySpec) -> Result<KeySize, Failed> {
    match spec {
        KeySpec::Rsa2048 => Ok(KeySize::Rsa2048),
        KeySpec::Rsa3072 => Ok(KeySize::Rsa3072),
        KeySpec::Rsa4096 => Ok(KeySize::Rsa4096),
        _ => Err(Failed),
    }
}
