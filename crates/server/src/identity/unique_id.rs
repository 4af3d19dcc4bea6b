//! Ids of principals and access keys.
//!
//! Rule: "IAM identifiers" of the IAM user guide: a prefix of four letters and capital letters or digits 2 to 7.

use kanuki_types::{AccountId, Random, UniqueId};

/// A fresh unique id, such as `AIDA` and 17 characters.
#[must_use]
pub fn new_unique_id(prefix: &str, random: &dyn Random) -> UniqueId {
    UniqueId::new(&with_prefix::<17>(prefix, random))
}

/// A fresh id of a long-term access key: `AKIA` and 16 characters.
#[must_use]
pub fn new_access_key_id(prefix: &str, random: &dyn Random) -> String {
    with_prefix::<16>(prefix, random)
}

/// A fresh id of a temporary access key: `ASIA` and 16 characters, which stand for a one, the account in 40 bits, and 39
/// random bits. Ids need not be unique by themselves: a token opens only for its own, and has a secret of its own.
#[must_use]
pub fn new_session_key_id(account: AccountId, random: &dyn Random) -> String {
    let [a, b, c, d, e, f] = account.to_bytes();
    let account = u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
    let tail = u128::from(u64::from_be_bytes(random.bytes()) >> (64 - SESSION_RANDOM_BITS));
    let bits = (1 << 79) | (account << SESSION_RANDOM_BITS) | tail;
    let letters = (0..16).rev().map(|place| letter((bits >> (place * 5)).to_le_bytes()[0]));
    SESSION_PREFIX.chars().chain(letters).collect()
}

/// The account in the id of a temporary access key; none if it is not formed as one.
#[must_use]
pub fn session_key_account(id: &str) -> Option<AccountId> {
    let letters = id.strip_prefix(SESSION_PREFIX).filter(|letters| letters.len() == 16)?;
    let mut bits = 0_u128;
    for byte in letters.bytes() {
        let five = ALPHABET.iter().position(|known| *known == byte)?;
        bits = (bits << 5) | u128::try_from(five).ok()?;
    }
    if bits >> 79 != 1 {
        return None;
    }
    let [_, _, rest @ ..] = u64::try_from((bits >> SESSION_RANDOM_BITS) & ((1 << 40) - 1)).ok()?.to_be_bytes();
    AccountId::from_bytes(rest)
}

fn with_prefix<const N: usize>(prefix: &str, random: &dyn Random) -> String {
    let letters = random.bytes::<N>().map(letter);
    prefix.chars().chain(letters).collect()
}

/// 32 letters, so five bits of each byte choose one evenly.
fn letter(byte: u8) -> char {
    char::from(ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'A'))
}

const SESSION_PREFIX: &str = "ASIA";
const SESSION_RANDOM_BITS: u32 = 39;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn temporary_keys_name_their_account() {
        for account in ["000000000000", "111122223333", "999999999999"] {
            let account: AccountId = account.parse().unwrap();
            for byte in [0, 0x5a, 0xff] {
                let id = new_session_key_id(account, &Fixed(byte));
                assert_eq!((id.len(), session_key_account(&id)), (20, Some(account)), "{id}");
            }
        }
        for wrong in ["ASIA", "ASIAAAAAAAAAAAAAAAAA", "AKIAQAAAAAAAAAAAAAAA", "ASIA7777777777777777", "ASIAq111"] {
            assert_eq!(session_key_account(wrong), None, "{wrong}");
        }
    }
}
