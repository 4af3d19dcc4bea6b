//! Ids of principals and access keys.
//!
//! Rule: "IAM identifiers" of the IAM user guide: a prefix of four letters and capital letters or digits 2 to 7.

use kanuki_types::{Random, UniqueId};

/// A fresh unique id, such as `AIDA` and 17 characters.
#[must_use]
pub fn new_unique_id(prefix: &str, random: &dyn Random) -> UniqueId {
    UniqueId::new(&with_prefix::<17>(prefix, random))
}

/// A fresh access key id: `AKIA` or `ASIA` and 16 characters.
#[must_use]
pub fn new_access_key_id(prefix: &str, random: &dyn Random) -> String {
    with_prefix::<16>(prefix, random)
}

fn with_prefix<const N: usize>(prefix: &str, random: &dyn Random) -> String {
    let letters = random.bytes::<N>().map(|byte| {
        // 32 letters, so five bits of each byte choose one evenly.
        char::from(ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'A'))
    });
    prefix.chars().chain(letters).collect()
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
