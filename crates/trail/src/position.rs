//! Names of places in the trail: the event's id, the position of a record, the anchor.
//!
//! Not here: how the hash comes about (`chain.rs`).
//! Invariant: the text forms read back to the same value.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of an event: sixteen bytes, written as a lowercase UUID (RFC 9562 section 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// An id in the form of a version 4 UUID (RFC 9562 section 5.4).
    #[must_use]
    pub fn from_random(mut random: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut random;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Self(random)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; UUID_LEN];
        let places = text.iter_mut().enumerate().filter(|(place, _)| !HYPHENS.contains(place));
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for ((_, place), digit) in places.zip(digits) {
            *place = if digit < 10 { b'0' + digit } else { b'a' - 10 + digit };
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != UUID_LEN {
            return Err(ParseEventIdError);
        }
        let mut digits = Vec::with_capacity(32);
        for (place, byte) in text.bytes().enumerate() {
            match (HYPHENS.contains(&place), byte) {
                (true, b'-') => {}
                (false, _) => digits.push(byte),
                (true, _) => return Err(ParseEventIdError),
            }
        }
        digits_to_bytes(&digits).map(Self).ok_or(ParseEventIdError)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The text is no lowercase UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseEventIdError;

impl fmt::Display for ParseEventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event id is a lowercase UUID")
    }
}

impl std::error::Error for ParseEventIdError {}

/// Where a record stands: its number, counted from 1, and its chain hash, which covers every record up to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The record's number; the first one is 1.
    pub sequence: u64,
    /// The chain hash.
    pub hash: [u8; 32],
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, Hex(&self.hash))
    }
}

/// The last durable record: the writer's statement that the trail reaches at least this far.
///
/// Kept elsewhere than the trail, it proves that no record up to it was changed or cut off.
/// Serialised, the hash is 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The record's number.
    pub sequence: u64,
    /// The record's chain hash.
    #[serde(serialize_with = "hash_to_text", deserialize_with = "hash_from_text")]
    pub hash: [u8; 32],
}

impl From<Position> for Anchor {
    fn from(Position { sequence, hash }: Position) -> Self {
        Self { sequence, hash }
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, Hex(&self.hash))
    }
}

/// Bytes as lowercase hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn hash_to_text<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Hex(hash))
}

fn hash_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    digits_to_bytes(text.as_bytes()).ok_or_else(|| de::Error::custom("a hash has 64 lowercase hexadecimal digits"))
}

fn digits_to_bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes =
        pairs.iter().map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const UUID_LEN: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_id_reads_back() {
        let id = EventId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let id = EventId([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(id.to_string(), "12345678-9abc-def0-0001-020304050607");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<EventId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn refuses_what_is_no_uuid() {
        for text in
            ["", "123456789abcdef00001020304050607", "12345678-9ABC-def0-0001-020304050607", &"-".repeat(36), "ä"]
        {
            assert_eq!(text.parse::<EventId>(), Err(ParseEventIdError), "{text}");
        }
    }

    #[test]
    fn anchor_reads_back() {
        let anchor = Anchor { sequence: 7, hash: [0xa5; 32] };
        let text = serde_json::to_string(&anchor).unwrap();
        assert_eq!(text, format!(r#"{{"sequence":7,"hash":"{}"}}"#, "a5".repeat(32)));
        assert_eq!(serde_json::from_str::<Anchor>(&text).unwrap(), anchor);
        assert!(serde_json::from_str::<Anchor>(r#"{"sequence":7,"hash":"a5"}"#).is_err());
    }
}
