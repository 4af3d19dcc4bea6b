//! Key ids and key ARNs.
//!
//! Rule: "Key identifiers" of the AWS KMS developer guide.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountId, Arn, PARTITION, Region};

/// A key id: a lowercase UUID for a single-Region key, `mrk-` and 32 hexadecimal digits for a multi-Region key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    multi_region: bool,
    bytes: [u8; 16],
}

impl KeyId {
    /// Length in bytes of [`KeyId::to_bytes`].
    pub const BYTES: usize = 17;

    /// The id of a single-Region key, in the form of a version 4 UUID (RFC 9562).
    #[must_use]
    pub fn single_region(mut random: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut random;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Self { multi_region: false, bytes: random }
    }

    /// The id of a multi-Region key.
    #[must_use]
    pub fn multi_region(random: [u8; 16]) -> Self {
        Self { multi_region: true, bytes: random }
    }

    /// Whether the id is a multi-Region key's.
    #[must_use]
    pub fn is_multi_region(&self) -> bool {
        self.multi_region
    }

    /// One byte for the kind, sixteen for the number.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut out = [u8::from(self.multi_region); Self::BYTES];
        let [_, number @ ..] = &mut out;
        *number = self.bytes;
        out
    }

    /// The inverse of [`KeyId::to_bytes`]; none if the kind is unknown.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [kind, bytes @ ..] = bytes;
        let multi_region = match kind {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Self { multi_region, bytes })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.multi_region {
            f.write_str("mrk-")?;
        }
        for (i, byte) in self.bytes.iter().enumerate() {
            if !self.multi_region && matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (multi_region, digits) = match text.strip_prefix("mrk-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let mut bytes = [0; 16];
        let mut nibbles = digits.bytes().enumerate().filter_map(|(i, b)| match b {
            b'-' if !multi_region && matches!(i, 8 | 13 | 18 | 23) => None,
            _ => Some(nibble(b)),
        });
        for byte in &mut bytes {
            let high = nibbles.next().flatten().ok_or(ParseKeyIdError)?;
            let low = nibbles.next().flatten().ok_or(ParseKeyIdError)?;
            *byte = high << 4 | low;
        }
        let length = if multi_region { 32 } else { 36 };
        if nibbles.next().is_some() || digits.len() != length {
            return Err(ParseKeyIdError);
        }
        Ok(Self { multi_region, bytes })
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is no key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseKeyIdError;

impl fmt::Display for ParseKeyIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key id is a lowercase UUID, or `mrk-` and 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseKeyIdError {}

/// Where a KMS key lives: its account, its Region and its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    /// The owner.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// The id.
    pub key_id: KeyId,
}

impl KeyArn {
    /// The key that an ARN of any service names; none if it names something else.
    #[must_use]
    pub fn from_arn(arn: &Arn) -> Option<Self> {
        if arn.partition != PARTITION || arn.service != "kms" {
            return None;
        }
        Some(Self {
            account: arn.account.parse().ok()?,
            region: arn.region.parse().ok()?,
            key_id: arn.resource.strip_prefix("key/")?.parse().ok()?,
        })
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, key_id } = self;
        write!(f, "arn:{PARTITION}:kms:{region}:{account}:key/{key_id}")
    }
}

impl fmt::Debug for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_round_trip() {
        for text in ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"] {
            let id: KeyId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(KeyId::from_bytes(id.to_bytes()), Some(id));
        }
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "fake-key-id",
            "mrk-fake-key-id",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234ABCD-12AB-34CD-56EF-1234567890AB",
            "1234abcd-12ab-34cd-56ef-1234567890abc",
            "1234abcd-12ab-34cd-56ef1-234567890ab",
            "mrk-1234abcd-12ab-34cd-56ef-1234567890ab",
            "1234abcd-12ab-34cd-56ef-12345678-0ab",
            "é234abcd-12ab-34cd-56ef-1234567890a",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(ParseKeyIdError), "{text}");
        }
        assert_eq!(KeyId::from_bytes([2; 17]), None);
    }

    #[test]
    fn random_bytes_become_a_version_4_uuid() {
        let text = KeyId::single_region([0xff; 16]).to_string();
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn arn_names_a_key_only_under_kms() {
        let text = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = KeyArn::from_arn(&text.parse().unwrap()).unwrap();
        assert_eq!(arn.to_string(), text);
        for other in
            [text.replace(":kms:", ":s3:"), text.replace("key/", "alias/"), text.replace("arn:aws:", "arn:aws-cn:")]
        {
            assert_eq!(KeyArn::from_arn(&other.parse().unwrap()), None, "{other}");
        }
    }
}
