//! The layout of a symmetric ciphertext, version 1. The golden blobs are in `vectors/ciphertext/`.
//!
//! Not here: cryptography. Nothing in a blob is trusted before its tag verifies, except to choose which key to ask for.
//! Invariants: the overhead is exactly [`CIPHERTEXT_OVERHEAD`] bytes; a blob has one reading or none.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | format: 1 |
//! | 1 | suite: 1, SP 800-108 counter mode with HMAC-SHA-256, then AES-256-GCM |
//! | 2..8 | account |
//! | 8..25 | key id |
//! | 25..57 | key material id |
//! | 57..73 | nonce of the key derivation |
//! | 73..85 | nonce of AES-GCM |
//! | 85..117 | commitment to the key |
//! | 117..121 | length of the plaintext, big-endian |
//! | 121..136 | zero |
//! | 136.. | ciphertext, then the tag of 16 bytes |

use kanuki_types::{AccountId, KeyId, MaterialId};

/// How much longer a ciphertext is than its plaintext, in bytes.
pub const CIPHERTEXT_OVERHEAD: usize = HEADER_BYTES + TAG_BYTES;
/// Length of the header.
pub const HEADER_BYTES: usize = 136;
/// Length of the tag of AES-GCM.
pub const TAG_BYTES: usize = 16;
/// Length of the nonce of the key derivation.
pub const KDF_NONCE_BYTES: usize = 16;
/// Length of the nonce of AES-GCM.
pub const GCM_NONCE_BYTES: usize = 12;
/// Length of the commitment.
pub const COMMITMENT_BYTES: usize = 32;
/// Length of the part of the header that the key derivation takes: everything up to its nonce, nonce included.
pub const DERIVATION_PREFIX_BYTES: usize = 73;

/// The part of a symmetric ciphertext that names its key; trusted for nothing but choosing which key to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CiphertextHeader {
    /// The account that owns the key.
    pub account: AccountId,
    /// The key.
    pub key_id: KeyId,
    /// The version of its material.
    pub material_id: MaterialId,
}

impl CiphertextHeader {
    /// Reads the header; none if the bytes are no symmetric ciphertext of a known version.
    #[must_use]
    pub fn parse(blob: &[u8]) -> Option<Self> {
        CiphertextParts::parse(blob).map(|parts| parts.key)
    }

    /// The first bytes of a header, which the key derivation takes.
    #[must_use]
    pub fn derivation_prefix(&self, kdf_nonce: &[u8; KDF_NONCE_BYTES]) -> [u8; DERIVATION_PREFIX_BYTES] {
        let mut out = Cursor([0; DERIVATION_PREFIX_BYTES], 0);
        out.put(&[FORMAT, SUITE]);
        out.put(&self.account.to_bytes());
        out.put(&self.key_id.to_bytes());
        out.put(self.material_id.as_bytes());
        out.put(kdf_nonce);
        out.0
    }
}

/// The fields of a header, to be written.
#[derive(Debug, Clone, Copy)]
pub struct HeaderFields<'a> {
    /// From [`CiphertextHeader::derivation_prefix`].
    pub derivation_prefix: &'a [u8; DERIVATION_PREFIX_BYTES],
    /// The nonce of AES-GCM; all zero in the additional data, for the module chooses it while it seals.
    pub gcm_nonce: &'a [u8; GCM_NONCE_BYTES],
    /// The commitment to the key.
    pub commitment: &'a [u8; COMMITMENT_BYTES],
    /// Length of the plaintext.
    pub plaintext_length: u32,
}

impl HeaderFields<'_> {
    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = Cursor([0; HEADER_BYTES], 0);
        out.put(self.derivation_prefix);
        out.put(self.gcm_nonce);
        out.put(self.commitment);
        out.put(&self.plaintext_length.to_be_bytes());
        out.0
    }
}

/// A ciphertext, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct CiphertextParts<'a> {
    /// Which key it names.
    pub key: CiphertextHeader,
    /// The first bytes, which the key derivation takes.
    pub derivation_prefix: &'a [u8; DERIVATION_PREFIX_BYTES],
    /// The nonce of AES-GCM.
    pub gcm_nonce: &'a [u8; GCM_NONCE_BYTES],
    /// The commitment to the key.
    pub commitment: &'a [u8; COMMITMENT_BYTES],
    /// Length of the plaintext.
    pub plaintext_length: u32,
    /// Ciphertext and tag.
    pub sealed: &'a [u8],
}

impl<'a> CiphertextParts<'a> {
    /// Takes a blob apart; none if it is no symmetric ciphertext of a known version, or its length is not the one that
    /// its header says.
    #[must_use]
    pub fn parse(blob: &'a [u8]) -> Option<Self> {
        let (derivation_prefix, rest) = blob.split_first_chunk::<DERIVATION_PREFIX_BYTES>()?;
        let (gcm_nonce, rest) = rest.split_first_chunk::<GCM_NONCE_BYTES>()?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT_BYTES>()?;
        let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let (reserved, sealed) = rest.split_first_chunk::<RESERVED_BYTES>()?;
        let plaintext_length = u32::from_be_bytes(*length);
        let sealed_length = usize::try_from(plaintext_length).ok()?.checked_add(TAG_BYTES)?;
        if *reserved != [0; RESERVED_BYTES] || sealed.len() != sealed_length {
            return None;
        }
        let key = Self::parse_key(derivation_prefix)?;
        Some(Self { key, derivation_prefix, gcm_nonce, commitment, plaintext_length, sealed })
    }

    fn parse_key(prefix: &[u8; DERIVATION_PREFIX_BYTES]) -> Option<CiphertextHeader> {
        let ([FORMAT, SUITE], rest) = prefix.split_first_chunk::<2>()? else { return None };
        let (account, rest) = rest.split_first_chunk::<{ AccountId::BYTES }>()?;
        let (key_id, rest) = rest.split_first_chunk::<{ KeyId::BYTES }>()?;
        let (material_id, _) = rest.split_first_chunk::<{ MaterialId::BYTES }>()?;
        Some(CiphertextHeader {
            account: AccountId::from_bytes(*account)?,
            key_id: KeyId::from_bytes(*key_id)?,
            material_id: MaterialId::new(*material_id),
        })
    }
}

/// Fills an array from its front.
struct Cursor<const N: usize>([u8; N], usize);

impl<const N: usize> Cursor<N> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(slot) = self.0.get_mut(self.1..self.1 + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
        self.1 += bytes.len();
    }
}

const FORMAT: u8 = 1;
const SUITE: u8 = 1;
const LENGTH_BYTES: usize = 4;
const RESERVED_BYTES: usize = 15;
const _: () = assert!(
    2 + AccountId::BYTES + KeyId::BYTES + MaterialId::BYTES + KDF_NONCE_BYTES == DERIVATION_PREFIX_BYTES
        && DERIVATION_PREFIX_BYTES + GCM_NONCE_BYTES + COMMITMENT_BYTES + LENGTH_BYTES + RESERVED_BYTES == HEADER_BYTES
        && CIPHERTEXT_OVERHEAD == 152
);

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> CiphertextHeader {
        CiphertextHeader {
            account: "000123456789".parse().unwrap(),
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap(),
            material_id: MaterialId::new([0x5a; 32]),
        }
    }

    fn blob(plaintext: &[u8]) -> Vec<u8> {
        let prefix = header().derivation_prefix(&[1; 16]);
        let length = plaintext.len().try_into().unwrap();
        let fields = HeaderFields {
            derivation_prefix: &prefix,
            gcm_nonce: &[2; 12],
            commitment: &[3; 32],
            plaintext_length: length,
        };
        [&fields.to_bytes(), plaintext, &[4; 16]].concat()
    }

    #[test]
    fn fields_are_where_the_table_says() {
        let blob = blob(b"abc");
        assert_eq!(blob.len(), 3 + CIPHERTEXT_OVERHEAD);
        assert_eq!(blob[..2], [1, 1]);
        assert_eq!(blob[2..8], header().account.to_bytes());
        assert_eq!(blob[8..25], header().key_id.to_bytes());
        assert_eq!(blob[25..57], [0x5a; 32]);
        assert_eq!(blob[57..73], [1; 16]);
        assert_eq!(blob[73..85], [2; 12]);
        assert_eq!(blob[85..117], [3; 32]);
        assert_eq!(blob[117..121], [0, 0, 0, 3]);
        assert_eq!(blob[121..136], [0; 15]);
        assert_eq!(CiphertextHeader::parse(&blob), Some(header()));
        assert_eq!(CiphertextParts::parse(&blob).unwrap().sealed, [b"abc".as_slice(), &[4; 16]].concat());
    }

    #[test]
    fn refuses_every_other_length_version_and_filling() {
        let blob = blob(b"abc");
        for length in 0..blob.len() {
            assert_eq!(CiphertextHeader::parse(&blob[..length]), None, "{length}");
        }
        assert_eq!(CiphertextHeader::parse(&[blob.as_slice(), &[0]].concat()), None);
        for at in [0, 1, 2, 8, 117, 120, 121, 135] {
            let mut other = blob.clone();
            other[at] ^= 0x80;
            assert_eq!(CiphertextHeader::parse(&other), None, "{at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn takes_anything_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = CiphertextHeader::parse(&bytes);
        }
    }
}
