//! The layout of a ciphertext under a key of a custom key store, format 2.
//!
//! Not here: cryptography. What the external key encrypted is a whole ciphertext of format 1, the keeper's; neither
//! side alone opens it. Invariant: a blob has one reading or none, and names the same key as the one inside.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | format: 2 |
//! | 1 | suite: 1, AES-256-GCM outside over a ciphertext of format 1 |
//! | 2..8 | account |
//! | 8..25 | key id |
//! | 25..57 | key material id |
//! | 57 | length of the initialisation vector: 12 or 16 |
//! | 58 | length of the external key manager's metadata: 0 to 20 |
//! | 59.. | initialisation vector, tag of 16 bytes, metadata, ciphertext |

use kanuki_keeper_protocol::CiphertextHeader;
use kanuki_types::{AccountId, EncryptionContext, KeyId, MaterialId};
use sha2::{Digest as _, Sha256};

use crate::xks::Wrapped;

/// A ciphertext under a key of a custom key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OuterBlob {
    /// The key that it names, and the version of the keeper's material inside.
    pub key: CiphertextHeader,
    /// What the external key made of the ciphertext inside.
    pub wrapped: Wrapped,
}

impl OuterBlob {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Wrapped { ciphertext, iv, tag, metadata } = &self.wrapped;
        let metadata = metadata.as_deref().unwrap_or_default();
        // The lengths are those of a checked answer, which fit a byte.
        let byte = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        let lengths = [byte(iv.len()), byte(metadata.len())];
        [prefix(&self.key).as_slice(), &lengths, iv, tag, metadata, ciphertext].concat()
    }

    /// Takes a blob apart; none if it is of another format.
    #[must_use]
    pub fn parse(blob: &[u8]) -> Option<Self> {
        let ([FORMAT, SUITE], rest) = blob.split_first_chunk::<2>()? else { return None };
        let (account, rest) = rest.split_first_chunk::<{ AccountId::BYTES }>()?;
        let (key_id, rest) = rest.split_first_chunk::<{ KeyId::BYTES }>()?;
        let (material_id, rest) = rest.split_first_chunk::<{ MaterialId::BYTES }>()?;
        let ([iv_length, metadata_length], rest) = rest.split_first_chunk::<2>()?;
        let (iv, rest) = rest.split_at_checked(usize::from(*iv_length))?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (metadata, ciphertext) = rest.split_at_checked(usize::from(*metadata_length))?;
        let key = CiphertextHeader {
            account: AccountId::from_bytes(*account)?,
            key_id: KeyId::from_bytes(*key_id)?,
            material_id: MaterialId::new(*material_id),
        };
        let metadata = (!metadata.is_empty()).then(|| metadata.to_vec());
        let wrapped = Wrapped { ciphertext: ciphertext.to_vec(), iv: iv.to_vec(), tag: *tag, metadata };
        wrapped.is_in_form().then_some(Self { key, wrapped })
    }
}

/// The key that a symmetric ciphertext names, whichever its format.
#[must_use]
pub fn named_key(blob: &[u8]) -> Option<CiphertextHeader> {
    CiphertextHeader::parse(blob).or_else(|| OuterBlob::parse(blob).map(|outer| outer.key))
}

/// What the external key authenticates beside the ciphertext inside: a digest of the names in front of the blob and of
/// the encryption context. A digest is short for every proxy and does not tell the context.
#[must_use]
pub fn outer_aad(key: &CiphertextHeader, context: &EncryptionContext) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(prefix(key));
    hash.update(context.to_aad());
    hash.finalize().into()
}

fn prefix(key: &CiphertextHeader) -> Vec<u8> {
    let names = [&key.account.to_bytes()[..], &key.key_id.to_bytes()[..], key.material_id.as_bytes().as_slice()];
    [[FORMAT, SUITE].as_slice(), &names.concat()].concat()
}

const FORMAT: u8 = 2;
const SUITE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> OuterBlob {
        OuterBlob {
            key: CiphertextHeader {
                account: "000123456789".parse().unwrap(),
                key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap(),
                material_id: MaterialId::new([0x5a; 32]),
            },
            wrapped: Wrapped { ciphertext: vec![7; 5], iv: vec![1; 12], tag: [2; 16], metadata: Some(vec![3; 20]) },
        }
    }

    #[test]
    fn goes_round_and_has_one_reading() {
        for wrapped in [
            blob().wrapped,
            Wrapped { metadata: None, ..blob().wrapped },
            Wrapped { iv: vec![1; 16], ..blob().wrapped },
        ] {
            let blob = OuterBlob { wrapped, ..blob() };
            let bytes = blob.to_bytes();
            assert_eq!(OuterBlob::parse(&bytes), Some(blob.clone()));
            assert_eq!(named_key(&bytes), Some(blob.key));
            assert_eq!(CiphertextHeader::parse(&bytes), None);
        }
    }

    #[test]
    fn lengths_out_of_form_and_other_formats_are_refused() {
        let bytes = blob().to_bytes();
        for length in 0..bytes.len() - 4 {
            assert_eq!(OuterBlob::parse(&bytes[..length]), None, "{length}");
        }
        for (at, value) in [(0, 1), (1, 2), (57, 13), (58, 21)] {
            let mut other = bytes.clone();
            other[at] = value;
            assert_eq!(OuterBlob::parse(&other), None, "{at}");
        }
    }

    #[test]
    fn names_and_context_are_both_authenticated() {
        let context = |value: &str| EncryptionContext::new([("k".to_owned(), value.to_owned())].into()).unwrap();
        let (key, other) = (blob().key, CiphertextHeader { material_id: MaterialId::new([1; 32]), ..blob().key });
        assert_ne!(outer_aad(&key, &context("a")), outer_aad(&key, &context("b")));
        assert_ne!(outer_aad(&key, &context("a")), outer_aad(&other, &context("a")));
    }

    proptest::proptest! {
        #[test]
        fn takes_anything_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = OuterBlob::parse(&bytes);
        }
    }
}
