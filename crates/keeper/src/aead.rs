//! AES-256-GCM with nonces that the module chooses (SP 800-38D section 8.2.2), the approved form of FIPS 140.
//!
//! Not here: what is bound as additional data; every caller frames its own.
//! Invariants: no caller supplies a nonce for sealing; a failed opening leaves no plaintext behind. A key of this type
//! may seal 2^32 times; callers that could reach that count (`envelope.rs`) or use fresh keys (`ops/symmetric.rs`).

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::{
    error::Failed,
    material::{KEY_BYTES, Material},
};

/// A key, expanded and ready.
#[derive(Debug)]
pub(crate) struct AeadKey(RandomizedNonceKey);

impl AeadKey {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Result<Self, Failed> {
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, key)?))
    }

    /// Encrypts in place; answers nonce and tag.
    pub(crate) fn seal_in_place(
        &self,
        aad: &[u8],
        bytes: &mut [u8],
    ) -> Result<([u8; NONCE_BYTES], [u8; TAG_BYTES]), Failed> {
        let (nonce, tag) = self.0.seal_in_place_separate_tag(Aad::from(aad), bytes)?;
        Ok((*nonce.as_ref(), tag.as_ref().try_into().map_err(|_| Failed)?))
    }

    /// Decrypts a copy of ciphertext and tag.
    pub(crate) fn open(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], sealed: &[u8]) -> Result<Material, Failed> {
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.0.open_in_place(nonce, Aad::from(aad), &mut bytes)?.len();
        // What is cut off is the tag, no secret.
        bytes.truncate(length);
        Ok(Material::new(bytes))
    }

    /// Nonce, ciphertext and tag in one.
    pub(crate) fn wrap(&self, aad: &[u8], plaintext: &Material) -> Result<Vec<u8>, Failed> {
        let mut bytes = Zeroizing::new(plaintext.expose().to_vec());
        let (nonce, tag) = self.seal_in_place(aad, &mut bytes)?;
        Ok([nonce.as_slice(), bytes.as_slice(), tag.as_slice()].concat())
    }

    /// The inverse of [`AeadKey::wrap`].
    pub(crate) fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<Material, Failed> {
        let (nonce, sealed) = wrapped.split_first_chunk().ok_or(Failed)?;
        self.open(*nonce, aad, sealed)
    }
}

/// Length of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Length of a tag.
pub(crate) const TAG_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_and_refuses_every_change() {
        let key = AeadKey::new(&[7; 32]).unwrap();
        let wrapped = key.wrap(b"place", &Material::copy_of(b"secret")).unwrap();
        assert_eq!(key.unwrap(b"place", &wrapped).unwrap().expose(), b"secret");
        assert!(key.unwrap(b"elsewhere", &wrapped).is_err());
        assert!(AeadKey::new(&[8; 32]).unwrap().unwrap(b"place", &wrapped).is_err());
        for at in 0..wrapped.len() {
            let mut other = wrapped.clone();
            other[at] ^= 1;
            assert!(key.unwrap(b"place", &other).is_err(), "{at}");
            assert!(key.unwrap(b"place", &wrapped[..at]).is_err(), "{at}");
        }
    }
}
