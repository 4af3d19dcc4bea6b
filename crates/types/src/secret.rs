//! Bytes that must not leak: wiped on drop, never printed, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// Secret bytes on the heap. No `Clone`, no `Serialize`, no `Display`; opened by [`SecretBytes::expose`] only.
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// Takes the bytes. Spare capacity would leave a copy behind, so a vector that has any is copied and wiped.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let copy = Box::from(bytes.as_slice());
        bytes.zeroize();
        Self(copy)
    }

    /// Secret bytes of a given length, filled in place.
    #[must_use]
    pub fn fill(length: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = vec![0; length].into_boxed_slice();
        fill(&mut bytes);
        Self(bytes)
    }

    /// The bytes. Every use of this verb is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes; no secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints() {
        let secret = SecretBytes::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn compares_by_content() {
        let of = |bytes: &[u8]| SecretBytes::new(bytes.to_vec());
        assert_eq!(of(b"a"), of(b"a"));
        assert_ne!(of(b"a"), of(b"b"));
        assert_ne!(of(b"a"), of(b"aa"));
    }
}
