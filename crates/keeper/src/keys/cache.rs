//! Parsed keys, kept: parsing an RSA key costs a good part of a signature.
//!
//! Not a cache of permissions: each call names place and sealed blob, and only both together find a key.
//! Invariants: a name covers every byte of place and blob, and only a blob that has opened at its place has an entry; at
//! most [`PARSED_KEYS_MAX`] keys are kept, the least recently used goes first.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest::{self, SHA256};

use super::ParsedKey;
use crate::error::Failed;

/// The digest of a place and a sealed blob.
pub(crate) type Name = [u8; 32];

/// The name of a sealed key.
pub(crate) fn name(place: &[u8], blob: &[u8]) -> Result<Name, Failed> {
    let length = u32::try_from(place.len()).map_err(|_| Failed)?;
    let mut context = digest::Context::new(&SHA256);
    context.update(&length.to_be_bytes());
    context.update(place);
    context.update(blob);
    context.finish().as_ref().try_into().map_err(|_| Failed)
}

/// Parsed keys by name.
#[derive(Debug, Default)]
pub(crate) struct ParsedKeys {
    keys: HashMap<Name, (Arc<ParsedKey>, u64)>,
    uses: u64,
}

impl ParsedKeys {
    /// The key, if it is kept.
    pub(crate) fn find(&mut self, name: &Name) -> Option<Arc<ParsedKey>> {
        self.uses += 1;
        let (key, used) = self.keys.get_mut(name)?;
        *used = self.uses;
        Some(Arc::clone(key))
    }

    /// Keeps a key that has opened.
    pub(crate) fn keep(&mut self, name: Name, key: Arc<ParsedKey>) {
        if self.keys.len() >= PARSED_KEYS_MAX {
            let oldest = self.keys.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| *name);
            oldest.and_then(|name| self.keys.remove(&name));
        }
        self.uses += 1;
        self.keys.insert(name, (key, self.uses));
    }
}

/// How many parsed keys are kept; an RSA key takes a few KiB.
const PARSED_KEYS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use kanuki_types::KeySpec;

    use super::*;

    #[test]
    fn the_least_recently_used_goes_first_and_the_number_is_bounded() {
        let spec = KeySpec::EccNistEdwards25519;
        let (pkcs8, _) = crate::keys::generate(spec).unwrap();
        let key = Arc::new(ParsedKey::parse(spec, pkcs8.expose()).unwrap());
        let of = |n: usize| name(&n.to_be_bytes(), b"blob").unwrap();
        let mut keys = ParsedKeys::default();
        for n in 0..PARSED_KEYS_MAX {
            keys.keep(of(n), Arc::clone(&key));
        }
        assert!(keys.find(&of(0)).is_some());
        keys.keep(of(PARSED_KEYS_MAX), Arc::clone(&key));
        assert_eq!(keys.keys.len(), PARSED_KEYS_MAX);
        assert!(keys.find(&of(0)).is_some() && keys.find(&of(1)).is_none());
    }

    #[test]
    fn names_tell_place_and_blob_apart() {
        assert_ne!(name(b"ab", b"c").unwrap(), name(b"a", b"bc").unwrap());
        assert_ne!(name(b"a", b"b").unwrap(), name(b"a", b"c").unwrap());
    }
}
