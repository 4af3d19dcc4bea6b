//! The keyring: the sealed root key and, wrapped under it, the domain keys, the token keys and the key of material ids.
//!
//! Not in the store's sealed records; it is what opens them, and the server keeps it beside them.
//! Invariants: a keyring with any byte changed does not open; the newest key of a purpose seals, all of them open; the
//! key of material ids never changes, so that the same material has the same id for ever.
//!
//! Form: the format byte 1; in postcard the sealed root key and the wrapped keys; an HMAC-SHA-256 over all of it.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{KEYRING_BYTES_MAX, OwnedBytes};
use serde::{Deserialize, Serialize};

use crate::{
    aead::AeadKey,
    envelope::{self, Purpose, Sealer},
    error::Failed,
    kdf::{self, Label},
    material::{KEY_BYTES, Material},
    nonces::Nonces,
    seal::{SealProvider, SealedRoot},
};

/// An open keyring: everything that the operations need.
#[derive(Debug)]
pub(crate) struct Keyring {
    stored: Stored,
    root: Material,
    /// Seals and opens key material.
    pub(crate) materials: Sealer,
    /// Seals and opens records of the store.
    pub(crate) records: Sealer,
    /// Seals and opens secret access keys.
    pub(crate) access_keys: Sealer,
    /// Seals and opens session tokens.
    pub(crate) tokens: Sealer,
    /// Seals and opens import tokens.
    pub(crate) imports: Sealer,
    /// Seals and opens seeds of one-time codes.
    pub(crate) mfa_seeds: Sealer,
    /// Seals and opens messages about denials.
    pub(crate) authorization_messages: Sealer,
    /// Nonces of the key derivation.
    pub(crate) nonces: Nonces,
    token_keys: Vec<(u32, Material)>,
    /// Boxed: a prepared key is large, and a move would leave a copy behind.
    material_id_key: Box<hmac::Key>,
}

impl Keyring {
    /// A new root key, sealed by the provider, with the first key of each kind.
    pub(crate) fn create(provider: &dyn SealProvider) -> Result<Self, Failed> {
        let root = Material::random(KEY_BYTES)?;
        let mut stored = Stored { root: provider.seal(&root)?, keys: Vec::new() };
        for kind in [KeyKind::Domain, KeyKind::Token, KeyKind::MaterialId] {
            stored.add(&root, kind)?;
        }
        Self::open(stored, root)
    }

    /// Opens the bytes of a keyring.
    pub(crate) fn unseal(bytes: &[u8], provider: &dyn SealProvider) -> Result<Self, Failed> {
        if bytes.len() > KEYRING_BYTES_MAX {
            return Err(Failed);
        }
        let (body, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(Failed)?;
        let Some((FORMAT, encoded)) = body.split_first().map(|(format, rest)| (*format, rest)) else {
            return Err(Failed);
        };
        let Ok((stored, [])) = postcard::take_from_bytes::<Stored>(encoded) else { return Err(Failed) };
        let root = provider.unseal(&stored.root)?;
        hmac::verify(&integrity_key(&root)?, body, tag)?;
        Self::open(stored, root)
    }

    /// The keyring's bytes, as the server stores them.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Failed> {
        self.stored.to_bytes(&self.root)
    }

    /// The bytes of this keyring with one more domain key.
    pub(crate) fn with_next_domain_key(&self) -> Result<Vec<u8>, Failed> {
        let mut stored = self.stored.clone();
        stored.add(&self.root, KeyKind::Domain)?;
        stored.to_bytes(&self.root)
    }

    /// The token key under which a token says it is sealed.
    pub(crate) fn token_key(&self, token: &[u8]) -> Result<&Material, Failed> {
        envelope::parent(&self.token_keys, envelope::version_of(token, Purpose::SessionToken)?)
    }

    /// Prepared for HMAC over key id and material.
    pub(crate) fn material_id_key(&self) -> &hmac::Key {
        &self.material_id_key
    }

    fn open(stored: Stored, root: Material) -> Result<Self, Failed> {
        let keys = |kind| stored.unwrap_all(&root, kind);
        let [(_, material_id_key)] = keys(KeyKind::MaterialId)?.try_into().map_err(|_| Failed)?;
        Ok(Self {
            materials: Sealer::new(Purpose::Material, keys(KeyKind::Domain)?)?,
            records: Sealer::new(Purpose::Record, keys(KeyKind::Domain)?)?,
            access_keys: Sealer::new(Purpose::AccessKey, keys(KeyKind::Domain)?)?,
            tokens: Sealer::new(Purpose::SessionToken, keys(KeyKind::Token)?)?,
            imports: Sealer::new(Purpose::ImportToken, keys(KeyKind::Domain)?)?,
            mfa_seeds: Sealer::new(Purpose::MfaSeed, keys(KeyKind::Domain)?)?,
            authorization_messages: Sealer::new(Purpose::AuthorizationMessage, keys(KeyKind::Domain)?)?,
            nonces: Nonces::new(),
            token_keys: keys(KeyKind::Token)?,
            material_id_key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, material_id_key.expose())),
            stored,
            root,
        })
    }
}

/// The keyring's contents.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    root: SealedRoot,
    /// In the order in which they were made.
    keys: Vec<WrappedKey>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WrappedKey {
    kind: KeyKind,
    version: u32,
    wrapped: OwnedBytes,
}

/// What a key of the keyring is for; part of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum KeyKind {
    Domain,
    Token,
    MaterialId,
}

impl Stored {
    /// Adds a fresh key, one version above the last of its kind.
    fn add(&mut self, root: &Material, kind: KeyKind) -> Result<(), Failed> {
        let last = self.keys.iter().filter(|key| key.kind == kind).map(|key| key.version).max();
        let version = last.map_or(Some(1), |last| last.checked_add(1)).ok_or(Failed)?;
        let wrapped = wrapping_key(root)?.wrap(&wrap_aad(kind, version), &Material::random(KEY_BYTES)?)?;
        self.keys.push(WrappedKey { kind, version, wrapped: OwnedBytes(wrapped) });
        Ok(())
    }

    fn unwrap_all(&self, root: &Material, kind: KeyKind) -> Result<Vec<(u32, Material)>, Failed> {
        let wrapping_key = wrapping_key(root)?;
        let of_kind = self.keys.iter().filter(|key| key.kind == kind);
        of_kind
            .map(|key| Ok((key.version, wrapping_key.unwrap(&wrap_aad(kind, key.version), &key.wrapped.0)?)))
            .collect()
    }

    fn to_bytes(&self, root: &Material) -> Result<Vec<u8>, Failed> {
        let mut bytes = vec![FORMAT];
        bytes.extend(postcard::to_stdvec(self).map_err(|_| Failed)?);
        let tag = hmac::sign(&integrity_key(root)?, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        if bytes.len() > KEYRING_BYTES_MAX { Err(Failed) } else { Ok(bytes) }
    }
}

fn wrapping_key(root: &Material) -> Result<AeadKey, Failed> {
    AeadKey::new(&*kdf::derive_key(root.expose(), Label::KeyringWrap, &[])?)
}

fn integrity_key(root: &Material) -> Result<hmac::Key, Failed> {
    let key = kdf::derive_key(root.expose(), Label::KeyringIntegrity, &[])?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
}

fn wrap_aad(kind: KeyKind, version: u32) -> [u8; 5] {
    let [a, b, c, d] = version.to_be_bytes();
    [kind as u8, a, b, c, d]
}

const FORMAT: u8 = 1;
const TAG_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SealKind;

    /// A provider whose secret is a number, quick enough for thousands of openings.
    #[derive(Debug)]
    struct Plain(u8);

    impl SealProvider for Plain {
        fn seal(&self, root: &Material) -> Result<SealedRoot, Failed> {
            let blob = AeadKey::new(&[self.0; 32])?.wrap(&[], root)?;
            Ok(SealedRoot { kind: SealKind::KeyFile, parameters: OwnedBytes(Vec::new()), blob: OwnedBytes(blob) })
        }

        fn unseal(&self, sealed: &SealedRoot) -> Result<Material, Failed> {
            AeadKey::new(&[self.0; 32])?.unwrap(&[], &sealed.blob.0)
        }
    }

    #[test]
    fn round_trips_and_keeps_the_material_ids() {
        let first = Keyring::create(&Plain(1)).unwrap();
        let bytes = first.to_bytes().unwrap();
        let second = Keyring::unseal(&bytes, &Plain(1)).unwrap();
        assert_eq!(second.to_bytes().unwrap(), bytes);
        let id = |keyring: &Keyring| hmac::sign(keyring.material_id_key(), b"x").as_ref().to_vec();
        assert_eq!(id(&first), id(&second));
        assert_ne!(id(&first), id(&Keyring::create(&Plain(1)).unwrap()));
        assert!(Keyring::unseal(&bytes, &Plain(2)).is_err());
    }

    #[test]
    fn every_change_and_every_truncation_is_refused() {
        let bytes = Keyring::create(&Plain(1)).unwrap().to_bytes().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Keyring::unseal(&changed, &Plain(1)).is_err(), "{at}");
            assert!(Keyring::unseal(&bytes[..at], &Plain(1)).is_err(), "{at}");
        }
        assert!(Keyring::unseal(&[bytes.as_slice(), &[0]].concat(), &Plain(1)).is_err());
    }

    #[test]
    fn a_rotated_keyring_seals_with_the_new_key_and_opens_the_old_blobs() {
        let mut before = Keyring::create(&Plain(1)).unwrap();
        let old = before.records.seal(b"p", b"old").unwrap();
        let rotated = before.with_next_domain_key().unwrap();
        let mut after = Keyring::unseal(&rotated, &Plain(1)).unwrap();
        assert_eq!(after.records.open(b"p", &old).unwrap().expose(), b"old");
        let new = after.records.seal(b"p", b"new").unwrap();
        assert_eq!(envelope::version_of(&new, Purpose::Record), Ok(2));
        assert!(before.records.open(b"p", &new).is_err());
        let old = before.records.seal(b"p", b"still").unwrap();
        assert_eq!(envelope::version_of(&old, Purpose::Record), Ok(1), "rotation takes effect with the next unseal");
    }

    #[test]
    fn contains_no_key() {
        let keyring = Keyring::create(&Plain(1)).unwrap();
        let bytes = keyring.to_bytes().unwrap();
        let keys = keyring.stored.unwrap_all(&keyring.root, KeyKind::Domain).unwrap();
        for key in [&keyring.root, &keys[0].1] {
            assert!(!bytes.windows(8).any(|window| window == &key.expose()[..8]));
        }
    }

    proptest::proptest! {
        #[test]
        fn takes_anything_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            proptest::prop_assert!(Keyring::unseal(&bytes, &Plain(1)).is_err());
        }
    }
}
