//! The records of keys and aliases, as they are stored.
//!
//! Invariant: unknown members of a record are refused, so that an older server never rewrites a newer one's record.

use std::collections::{BTreeMap, BTreeSet};

use kanuki_keeper_protocol::NewMaterial;
use kanuki_store::Keyspace;
use kanuki_types::{
    AccountId, AliasArn, AliasName, KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, MaterialId, Origin, Region,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    import::Imported,
    multi_region::MultiRegion,
    policy::StoredPolicy,
    rotation::{Rotated, RotationSchedule},
};
use crate::{custom_key_stores::OutsideKey, keyspaces};

/// KMS keys by account, Region and id.
#[derive(Debug)]
pub struct Keys;

impl Keyspace for Keys {
    const ID: u8 = keyspaces::KEYS;
    const NAME: &'static str = "keys";
    type Key = (AccountId, Region, KeyId);
    type Value = KeyRecord;
}

/// A KMS key. Its aliases stand here too, so that both sides of the relation change together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// When it was made.
    pub created: Timestamp,
    /// The user's description.
    pub description: String,
    /// The type of its material.
    pub spec: KeySpec,
    /// What it may be used for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Who manages it.
    pub manager: KeyManager,
    /// The state.
    pub state: KeyState,
    /// When it will be deleted; only in a pending state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<Timestamp>,
    /// The waiting period that begins, in days, when the last replica of a primary key is gone; only in state
    /// `PendingReplicaDeletion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_window_days: Option<i64>,
    /// Its policy.
    pub policy: StoredPolicy,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Every alias that points to it.
    #[serde(default)]
    pub aliases: BTreeSet<AliasName>,
    /// Every version of its material, oldest first.
    pub materials: Vec<Material>,
    /// The version that encrypts.
    pub current_material: Option<MaterialId>,
    /// The imported version that waits for RotateKeyOnDemand; the last of `materials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_material: Option<MaterialId>,
    /// Automatic rotation, if it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSchedule>,
    /// Where the key is that its use needs beside the keeper's material; only in a custom key store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<OutsideKey>,
    /// How often RotateKeyOnDemand was used.
    #[serde(default)]
    pub on_demand_rotations: u32,
    /// The set of a multi-Region key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<MultiRegion>,
}

/// One version of key material.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Its id.
    pub id: MaterialId,
    /// When it was made.
    pub created: Timestamp,
    /// The material, sealed by the keeper to account, Region, key id, material id and spec; none once it was removed,
    /// which happens to imported material alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedBlob>,
    /// The public half, as SubjectPublicKeyInfo in base64; none for material without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// The rotation that made it current; none for the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Rotated>,
    /// What imported material has; none for material of the keeper's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

impl Material {
    /// A first version.
    #[must_use]
    pub fn first(new: NewMaterial, created: Timestamp) -> Self {
        let NewMaterial { id, sealed, public_key } = new;
        let sealed = Some(SealedBlob(sealed));
        Self { id, created, sealed, public_key: public_key.map(PublicKey), rotated: None, imported: None }
    }
}

/// Key material as the keeper sealed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedBlob(#[serde(with = "crate::base64_text")] pub Vec<u8>);

/// A public key as SubjectPublicKeyInfo (RFC 5280), in DER.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(#[serde(with = "crate::base64_text")] pub Vec<u8>);

/// Aliases by account, Region and name.
#[derive(Debug)]
pub struct Aliases;

impl Keyspace for Aliases {
    const ID: u8 = keyspaces::ALIASES;
    const NAME: &'static str = "aliases";
    type Key = (AccountId, Region, AliasName);
    type Value = AliasRecord;
}

/// An alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasRecord {
    /// The key that it stands for.
    pub target: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// Keys that wait for their deletion, by the instant.
#[derive(Debug)]
pub struct Deletions;

impl Keyspace for Deletions {
    const ID: u8 = keyspaces::DELETIONS;
    const NAME: &'static str = "deletions";
    type Key = DeletionKey;
    type Value = ();
}

/// Keys that rotate by themselves, by the instant when they are due.
#[derive(Debug)]
pub struct Rotations;

impl Keyspace for Rotations {
    const ID: u8 = keyspaces::ROTATIONS;
    const NAME: &'static str = "rotations";
    type Key = RotationKey;
    type Value = ();
}

/// When a key's rotation is due, and which key's.
pub type RotationKey = (Timestamp, AccountId, Region, KeyId);

/// When a key is due, and which.
pub type DeletionKey = (Timestamp, AccountId, Region, KeyId);

/// Where a key's record is.
#[must_use]
pub fn key_key(arn: &KeyArn) -> (AccountId, Region, KeyId) {
    (arn.account, arn.region.clone(), arn.key_id)
}

/// Where an alias's record is.
#[must_use]
pub fn alias_key(arn: &AliasArn) -> (AccountId, Region, AliasName) {
    (arn.account, arn.region.clone(), arn.name.clone())
}
