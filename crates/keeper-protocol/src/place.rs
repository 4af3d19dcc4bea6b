//! Where key material belongs.
//!
//! Not a name that a client sends: the server fills it from its own record of the key.
//! Invariant: sealed key material opens only at the place for which it was sealed.

use kanuki_types::{AccountId, KeyId, KeySpec, MaterialId, Region};
use serde::{Deserialize, Serialize};

use crate::{Bytes, ids};

/// Which key new material is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlace {
    /// The account that owns the key.
    #[serde(with = "ids::account")]
    pub account: AccountId,
    /// The Region in which the key lives.
    pub region: Region,
    /// The key.
    #[serde(with = "ids::key_id")]
    pub key_id: KeyId,
    /// Its type of material.
    pub spec: KeySpec,
}

/// What a sealed key material blob is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialPlace {
    /// The account that owns the key.
    #[serde(with = "ids::account")]
    pub account: AccountId,
    /// The Region in which the key lives.
    pub region: Region,
    /// The key.
    #[serde(with = "ids::key_id")]
    pub key_id: KeyId,
    /// The version of its material.
    #[serde(with = "ids::material_id")]
    pub material_id: MaterialId,
    /// Its type of material.
    pub spec: KeySpec,
}

/// Key material that was just made or imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMaterial {
    /// Its id: the same for the same material in the same key, for ever.
    pub id: MaterialId,
    /// Its sealed form.
    pub sealed: Vec<u8>,
    /// The public half of an asymmetric key: SubjectPublicKeyInfo of RFC 5280, in DER.
    pub public_key: Option<Vec<u8>>,
}

/// Sealed key material and its place, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedMaterial {
    /// Where it belongs.
    pub place: MaterialPlace,
    /// The sealed blob.
    pub blob: Vec<u8>,
}

impl SealedMaterial {
    /// The form that crosses the wall.
    #[must_use]
    pub fn as_ref(&self) -> SealedMaterialRef<'_> {
        SealedMaterialRef { place: self.place.clone(), blob: Bytes(&self.blob) }
    }
}

/// [`SealedMaterial`] as it crosses the wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedMaterialRef<'a> {
    /// Where it belongs.
    pub place: MaterialPlace,
    /// The sealed blob.
    #[serde(borrow)]
    pub blob: Bytes<'a>,
}
