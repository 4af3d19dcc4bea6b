//! Compact serialised forms of ids: their bytes, where `kanuki-types` would write text.
//!
//! Not for anything durable: the form belongs to the protocol version.
//! Invariant: what is read is well formed, as the types demand.

/// Declares a module for `#[serde(with = "…")]` that writes an id as its bytes.
macro_rules! as_bytes {
    ($module:ident, $id:ty, |$value:ident| $to_bytes:expr, $from_bytes:expr) => {
        pub(crate) mod $module {
            use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

            use crate::Bytes;

            pub(crate) fn serialize<S: Serializer>($value: &$id, serializer: S) -> Result<S::Ok, S::Error> {
                Bytes(&$to_bytes).serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                let Bytes(bytes) = Bytes::deserialize(deserializer)?;
                let id: Option<$id> = bytes.try_into().ok().and_then($from_bytes);
                id.ok_or_else(|| D::Error::custom("malformed id"))
            }
        }
    };
}

as_bytes!(account, kanuki_types::AccountId, |id| id.to_bytes(), kanuki_types::AccountId::from_bytes);
as_bytes!(key_id, kanuki_types::KeyId, |id| id.to_bytes(), kanuki_types::KeyId::from_bytes);
as_bytes!(material_id, kanuki_types::MaterialId, |id| *id.as_bytes(), |bytes| Some(kanuki_types::MaterialId::new(
    bytes
)));
