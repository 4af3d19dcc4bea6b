//! The encryption context: pairs of text that are authenticated with a ciphertext and not stored in it.

use std::{collections::BTreeMap, fmt, sync::Arc};

/// Greatest size of [`EncryptionContext::to_aad`], in bytes.
///
/// The AWS KMS documentation states no limit; an external key store accepts 8192 bytes of additional data.
pub const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8192;

/// Pairs of text, sorted by key; case counts, order does not. An empty context equals none. Clones share the pairs.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct EncryptionContext(Arc<BTreeMap<String, String>>);

impl EncryptionContext {
    /// Takes the pairs.
    ///
    /// # Errors
    /// If they take more than [`ENCRYPTION_CONTEXT_BYTES_MAX`] bytes when serialised.
    pub fn new(pairs: BTreeMap<String, String>) -> Result<Self, EncryptionContextTooLarge> {
        let size = pairs.iter().fold(COUNT_BYTES, |sum, (key, value)| {
            sum.saturating_add(2 * LENGTH_BYTES).saturating_add(key.len()).saturating_add(value.len())
        });
        if size > ENCRYPTION_CONTEXT_BYTES_MAX { Err(EncryptionContextTooLarge) } else { Ok(Self(Arc::new(pairs))) }
    }

    /// The pairs.
    #[must_use]
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Whether there are no pairs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one serialisation, used as additional authenticated data: the number of pairs, then each key and each
    /// value behind its length, sorted by the bytes of the keys; numbers are 16 bits, big-endian.
    ///
    /// No two contexts serialise alike: every part carries its length.
    #[must_use]
    pub fn to_aad(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        // The constructor's limit keeps every number below 2^16.
        let number = |out: &mut Vec<u8>, n: usize| {
            out.extend_from_slice(&u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes());
        };
        number(&mut out, self.0.len());
        for (key, value) in self.0.iter() {
            for part in [key, value] {
                number(&mut out, part.len());
                out.extend_from_slice(part.as_bytes());
            }
        }
        out
    }
}

impl fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The context takes more than [`ENCRYPTION_CONTEXT_BYTES_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncryptionContextTooLarge;

impl fmt::Display for EncryptionContextTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the encryption context takes more than {ENCRYPTION_CONTEXT_BYTES_MAX} bytes")
    }
}

impl std::error::Error for EncryptionContextTooLarge {}

const COUNT_BYTES: usize = 2;
const LENGTH_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        EncryptionContext::new(pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()).unwrap()
    }

    #[test]
    fn order_does_not_count_and_boundaries_do() {
        assert_eq!(context(&[("a", "1"), ("b", "2")]).to_aad(), context(&[("b", "2"), ("a", "1")]).to_aad());
        assert_ne!(context(&[("ab", "c")]).to_aad(), context(&[("a", "bc")]).to_aad());
        assert_ne!(context(&[("a", "")]).to_aad(), context(&[]).to_aad());
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(context(&[]).to_aad(), [0, 0]);
        assert_eq!(context(&[("k", "vw")]).to_aad(), [0, 1, 0, 1, b'k', 0, 2, b'v', b'w']);
    }

    #[test]
    fn limit_is_exact() {
        let with = |n: usize| EncryptionContext::new([("k".to_owned(), "v".repeat(n))].into());
        let room = ENCRYPTION_CONTEXT_BYTES_MAX - COUNT_BYTES - 2 * LENGTH_BYTES - 1;
        assert_eq!(with(room).unwrap().to_aad().len(), ENCRYPTION_CONTEXT_BYTES_MAX);
        assert_eq!(with(room + 1), Err(EncryptionContextTooLarge));
    }
}
