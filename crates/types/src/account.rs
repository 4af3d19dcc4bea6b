//! The account: twelve digits, chosen by the operator.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An account id: exactly twelve decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// Length in bytes of [`AccountId::to_bytes`].
    pub const BYTES: usize = 6;

    /// The number in big-endian order, for keys of the store and headers of ciphertexts.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    /// The inverse of [`AccountId::to_bytes`]; none if the number has more than twelve digits.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [a, b, c, d, e, f] = bytes;
        let number = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        (number < ACCOUNTS).then_some(Self(number))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = ParseAccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().map(Self).map_err(|_| ParseAccountIdError)
        } else {
            Err(ParseAccountIdError)
        }
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not twelve decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseAccountIdError;

impl fmt::Display for ParseAccountIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account id has exactly twelve digits")
    }
}

impl std::error::Error for ParseAccountIdError {}

const DIGITS: usize = 12;
const ACCOUNTS: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_leading_zeros() {
        let account: AccountId = "000123456789".parse().unwrap();
        assert_eq!(account.to_string(), "000123456789");
        assert_eq!(AccountId::from_bytes(account.to_bytes()), Some(account));
    }

    #[test]
    fn refuses_everything_but_twelve_digits() {
        for text in ["", "11112222333", "1111222233334", "11112222333a", "+11122223333"] {
            assert_eq!(text.parse::<AccountId>(), Err(ParseAccountIdError), "{text}");
        }
        assert_eq!(AccountId::from_bytes([0xff; 6]), None);
    }
}
