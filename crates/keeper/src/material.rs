//! The one type of plaintext in this process: keys and user data.
//!
//! Not serialisable, not printable, not comparable.
//! Invariant: the bytes are wiped when the value is dropped, on every path.

use std::fmt;

use kanuki_types::SecretBytes;
use zeroize::Zeroizing;

use crate::error::Failed;

/// Secret bytes on the heap.
pub(crate) struct Material(Zeroizing<Vec<u8>>);

impl Material {
    /// Random bytes from the module's generator (CTR_DRBG of SP 800-90A).
    pub(crate) fn random(length: usize) -> Result<Self, Failed> {
        let mut bytes = Zeroizing::new(vec![0; length]);
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A copy of bytes that somebody else wipes.
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Takes a buffer over.
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes. Every use of this verb is a place to look at in a review.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as an answer carries them.
    pub(crate) fn into_secret(self) -> SecretBytes {
        SecretBytes::fill(self.0.len(), |out| out.copy_from_slice(&self.0))
    }

    /// The bytes of something that is no secret once it is open: a record, claims.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[material]")
    }
}

/// Length of every symmetric key of the keeper, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints_and_differs() {
        let (a, b) = (Material::random(32).unwrap(), Material::random(32).unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(format!("{a:?}"), "[material]");
        assert_eq!(Material::copy_of(b"abc").into_secret().expose(), b"abc");
    }
}
