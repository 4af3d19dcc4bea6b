//! The format of a sealed blob: key material, records, secret access keys, session and import tokens,
//! seeds of one-time codes, messages about denials.
//!
//! Not user ciphertexts; their layout is in the protocol crate.
//! Invariants: a blob opens only for its purpose, at its place and under the key version that it names; sealing leaves
//! no plaintext in the blob; no key seals more often than SP 800-38D allows.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | format: 1 |
//! | 1 | purpose |
//! | 2..6 | version of the domain or token key, big-endian |
//! | 6..22 | salt of the sealing key |
//! | 22..34 | nonce of AES-GCM |
//! | 34.. | ciphertext, then the tag of 16 bytes |
//!
//! Additional data: bytes 0..22, the length of the place (u32, big-endian), the place.
//!
//! A domain key never seals by itself. Each keeper draws a salt when it starts and derives one sealing key from it, so
//! that the random nonces of one key stay far below their limit, however often keepers start, while the expanded key
//! still waits ready for the next blob.

use std::collections::HashMap;

use kanuki_keeper_protocol::SEALED_OVERHEAD;
use zeroize::Zeroizing;

use crate::{
    aead::{AeadKey, NONCE_BYTES, TAG_BYTES},
    error::Failed,
    kdf::{self, Label},
    material::Material,
};

/// What a blob is for; part of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Record = 1,
    Material = 2,
    AccessKey = 3,
    SessionToken = 4,
    ImportToken = 5,
    MfaSeed = 6,
    AuthorizationMessage = 7,
}

impl Purpose {
    fn label(self) -> Label {
        match self {
            Self::Record => Label::RecordSeal,
            Self::Material => Label::MaterialSeal,
            Self::AccessKey => Label::AccessKeySeal,
            Self::SessionToken => Label::SessionTokenSeal,
            Self::ImportToken => Label::ImportTokenSeal,
            Self::MfaSeed => Label::MfaSeedSeal,
            Self::AuthorizationMessage => Label::AuthorizationMessageSeal,
        }
    }
}

/// Seals and opens blobs of one purpose.
#[derive(Debug)]
pub(crate) struct Sealer {
    purpose: Purpose,
    /// The keys of the keyring, the newest last; it seals, all open.
    versions: Vec<(u32, Material)>,
    sealing: SealingKey,
    /// Expanded keys of blobs that opened, by version and salt.
    ready: HashMap<(u32, Salt), AeadKey>,
}

/// The key of this process's own blobs.
#[derive(Debug)]
struct SealingKey {
    version: u32,
    salt: Salt,
    key: AeadKey,
    seals_left: u64,
}

type Salt = [u8; SALT_BYTES];

impl Sealer {
    /// Takes the keys of the keyring, the newest last.
    pub(crate) fn new(purpose: Purpose, versions: Vec<(u32, Material)>) -> Result<Self, Failed> {
        let sealing = SealingKey::new(purpose, &versions)?;
        Ok(Self { purpose, versions, sealing, ready: HashMap::new() })
    }

    /// Seals bytes at a place.
    pub(crate) fn seal(&mut self, place: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
        if self.sealing.seals_left == 0 {
            self.sealing = SealingKey::new(self.purpose, &self.versions)?;
        }
        self.sealing.seals_left -= 1;
        let header = header(self.purpose, self.sealing.version, self.sealing.salt);
        let aad = aad(&header, place)?;
        // Wiped if sealing fails half way; the blob is taken out when it is sealed.
        let mut blob = Zeroizing::new(Vec::with_capacity(ENVELOPE_OVERHEAD + plaintext.len()));
        blob.extend_from_slice(&header);
        blob.extend_from_slice(&[0; NONCE_BYTES]);
        blob.extend_from_slice(plaintext);
        let (_, rest) = blob.split_first_chunk_mut::<HEADER_BYTES>().ok_or(Failed)?;
        let (nonce, body) = rest.split_first_chunk_mut::<NONCE_BYTES>().ok_or(Failed)?;
        let (chosen, tag) = self.sealing.key.seal_in_place(&aad, body)?;
        *nonce = chosen;
        blob.extend_from_slice(&tag);
        Ok(std::mem::take(&mut *blob))
    }

    /// Opens a blob at a place.
    pub(crate) fn open(&mut self, place: &[u8], blob: &[u8]) -> Result<Material, Failed> {
        let (header, rest) = blob.split_first_chunk::<HEADER_BYTES>().ok_or(Failed)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Failed)?;
        let (version, salt) = parse_header(header, self.purpose)?;
        let aad = aad(header, place)?;
        if (version, salt) == (self.sealing.version, self.sealing.salt) {
            return self.sealing.key.open(*nonce, &aad, sealed);
        }
        if let Some(key) = self.ready.get(&(version, salt)) {
            return key.open(*nonce, &aad, sealed);
        }
        let key = expand(self.purpose, parent(&self.versions, version)?, &salt)?;
        let opened = key.open(*nonce, &aad, sealed)?;
        // Only a key that has opened something is kept: made-up salts cannot fill the table.
        if self.ready.len() >= READY_KEYS_MAX {
            self.ready.clear();
        }
        self.ready.insert((version, salt), key);
        Ok(opened)
    }
}

impl SealingKey {
    fn new(purpose: Purpose, versions: &[(u32, Material)]) -> Result<Self, Failed> {
        let (version, parent) = versions.last().ok_or(Failed)?;
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt)?;
        let key = expand(purpose, parent, &salt)?;
        Ok(Self { version: *version, salt, key, seals_left: SEALS_PER_KEY })
    }
}

/// The version of the key under which a blob says it is sealed; trusted for nothing but choosing the key.
pub(crate) fn version_of(blob: &[u8], purpose: Purpose) -> Result<u32, Failed> {
    let header = blob.first_chunk::<HEADER_BYTES>().ok_or(Failed)?;
    parse_header(header, purpose).map(|(version, _)| version)
}

/// The key of a version.
pub(crate) fn parent(versions: &[(u32, Material)], version: u32) -> Result<&Material, Failed> {
    versions.iter().find(|(v, _)| *v == version).map(|(_, key)| key).ok_or(Failed)
}

fn expand(purpose: Purpose, parent: &Material, salt: &Salt) -> Result<AeadKey, Failed> {
    AeadKey::new(&*kdf::derive_key(parent.expose(), purpose.label(), salt)?)
}

fn header(purpose: Purpose, version: u32, salt: Salt) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = version.to_be_bytes();
    let mut header = [0; HEADER_BYTES];
    let (front, back) = header.split_at_mut(HEADER_BYTES - SALT_BYTES);
    front.copy_from_slice(&[FORMAT, purpose as u8, a, b, c, d]);
    back.copy_from_slice(&salt);
    header
}

fn parse_header(header: &[u8; HEADER_BYTES], purpose: Purpose) -> Result<(u32, Salt), Failed> {
    let [FORMAT, kind, a, b, c, d, salt @ ..] = *header else { return Err(Failed) };
    if kind == purpose as u8 { Ok((u32::from_be_bytes([a, b, c, d]), salt)) } else { Err(Failed) }
}

fn aad(header: &[u8; HEADER_BYTES], place: &[u8]) -> Result<Vec<u8>, Failed> {
    let length = u32::try_from(place.len()).map_err(|_| Failed)?;
    let mut aad = Vec::with_capacity(HEADER_BYTES + 4 + place.len());
    aad.extend_from_slice(header);
    aad.extend_from_slice(&length.to_be_bytes());
    aad.extend_from_slice(place);
    Ok(aad)
}

/// How much longer a blob is than what it seals.
pub(crate) const ENVELOPE_OVERHEAD: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
const _: () = assert!(ENVELOPE_OVERHEAD == SEALED_OVERHEAD, "what the protocol promises");
const FORMAT: u8 = 1;
const SALT_BYTES: usize = 16;
const HEADER_BYTES: usize = 6 + SALT_BYTES;
/// SP 800-38D section 8.3 allows 2^32 with random nonces; half of it keeps away from the edge.
const SEALS_PER_KEY: u64 = 1 << 31;
/// Expanded keys kept for opening: one per start of a keeper whose blobs are still in use. About 1 KiB each.
const READY_KEYS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(purpose: Purpose, versions: &[u8]) -> Sealer {
        let versions = versions.iter().map(|v| (u32::from(*v), Material::copy_of(&[*v; 32]))).collect();
        Sealer::new(purpose, versions).unwrap()
    }

    #[test]
    fn opens_at_its_place_and_nowhere_else() {
        let mut sealer = sealer(Purpose::Record, &[1]);
        let blob = sealer.seal(b"place", b"record").unwrap();
        assert_eq!(blob.len(), 6 + ENVELOPE_OVERHEAD);
        assert_eq!(sealer.open(b"place", &blob).unwrap().expose(), b"record");
        assert!(sealer.open(b"plac", &blob).is_err());
        assert!(sealer.open(b"place\0", &blob).is_err());
    }

    #[test]
    fn another_process_opens_and_another_purpose_does_not() {
        let mut first = sealer(Purpose::Material, &[1]);
        let blob = first.seal(b"place", b"material").unwrap();
        let mut second = sealer(Purpose::Material, &[1]);
        assert_ne!(first.sealing.salt, second.sealing.salt);
        for _ in 0..2 {
            assert_eq!(second.open(b"place", &blob).unwrap().expose(), b"material");
            assert_eq!(second.ready.len(), 1);
        }
        let others = [Purpose::Record, Purpose::AccessKey, Purpose::SessionToken, Purpose::ImportToken];
        for purpose in others.into_iter().chain([Purpose::MfaSeed, Purpose::AuthorizationMessage]) {
            let mut relabelled = blob.clone();
            relabelled[1] = purpose as u8;
            assert!(sealer(purpose, &[1]).open(b"place", &blob).is_err());
            assert!(sealer(purpose, &[1]).open(b"place", &relabelled).is_err());
        }
    }

    #[test]
    fn newest_version_seals_and_old_ones_open() {
        let old = sealer(Purpose::Record, &[1]).seal(b"p", b"old").unwrap();
        let mut both = sealer(Purpose::Record, &[1, 2]);
        let new = both.seal(b"p", b"new").unwrap();
        assert_eq!((version_of(&old, Purpose::Record), version_of(&new, Purpose::Record)), (Ok(1), Ok(2)));
        assert_eq!(both.open(b"p", &old).unwrap().expose(), b"old");
        assert!(sealer(Purpose::Record, &[1]).open(b"p", &new).is_err());
    }

    #[test]
    fn every_change_and_every_truncation_is_refused() {
        let blob = sealer(Purpose::Record, &[1]).seal(b"p", b"record").unwrap();
        let mut other = sealer(Purpose::Record, &[1]);
        for at in 0..blob.len() {
            assert!(other.open(b"p", &blob[..at]).is_err(), "{at}");
            for bit in 0..8 {
                let mut changed = blob.clone();
                changed[at] ^= 1 << bit;
                assert!(other.open(b"p", &changed).is_err(), "{at} {bit}");
            }
        }
        assert!(other.ready.is_empty(), "a refused blob must not leave a key behind");
    }

    #[test]
    fn a_worn_out_key_is_replaced() {
        let mut sealer = sealer(Purpose::Record, &[1]);
        let first = sealer.seal(b"p", b"record").unwrap();
        sealer.sealing.seals_left = 0;
        let second = sealer.seal(b"p", b"record").unwrap();
        assert_ne!(first[6..22], second[6..22]);
        assert_eq!(sealer.open(b"p", &first).unwrap().expose(), b"record");
    }
}
