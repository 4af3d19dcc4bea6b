//! The serialised forms of bytes and secrets.
//!
//! Not in `kanuki-types`: there a secret cannot be serialised at all; crossing this wall is the one exception.
//! Invariants: a secret is never printed; bytes cross as one length and one copy.

use std::fmt;

use kanuki_types::SecretBytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Borrowed bytes that are no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes<'a>(pub &'a [u8]);

/// Owned bytes that are no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedBytes(pub Vec<u8>);

/// A borrowed secret: it stays in its frame's buffer, which is wiped.
#[derive(Clone, Copy)]
pub struct SecretRef<'a>(pub &'a [u8]);

/// An owned secret on its way back to the server.
#[derive(PartialEq, Eq)]
pub struct Secret(pub SecretBytes);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl fmt::Debug for OwnedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl fmt::Debug for SecretRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for OwnedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl Serialize for SecretRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.expose())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Borrowing).map(Self)
    }
}

impl<'de> Deserialize<'de> for OwnedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Borrowing).map(|bytes| Self(bytes.to_vec()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SecretRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Borrowing).map(Self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(Borrowing)?;
        Ok(Self(SecretBytes::fill(bytes.len(), |out| out.copy_from_slice(bytes))))
    }
}

/// Takes bytes straight from the frame; an intermediate copy would be one more to wipe.
struct Borrowing;

impl<'de> de::Visitor<'de> for Borrowing {
    type Value = &'de [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes of the frame")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_round_trip_and_never_print() {
        let wire = postcard::to_stdvec(&SecretRef(b"hunter2")).unwrap();
        assert_eq!(wire, b"\x07hunter2");
        let secret: Secret = postcard::from_bytes(&wire).unwrap();
        assert_eq!(secret.0.expose(), b"hunter2");
        assert_eq!(format!("{secret:?} {:?}", SecretRef(b"hunter2")), "[secret] [secret]");
        assert_eq!(format!("{:?}", Bytes(b"hunter2")), "[7 bytes]");
    }
}
