//! A key's record, decoded once: its policy compiled and bound.

use std::sync::Arc;

use kanuki_keeper_protocol::{Bytes, MaterialPlace, SealedMaterialRef};
use kanuki_policy::{Document, Malformed, NamedDocument, Target};
use kanuki_store::{Transaction, Versioned};
use kanuki_types::{KeyArn, KeySpec, KeyState, MaterialId};

use super::record::{KeyRecord, Keys, Material, SealedBlob, key_key};
use crate::custom_key_stores::StoreEntry;

/// A key, ready for decisions and use.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    arn: KeyArn,
    arn_text: String,
    version: u64,
    record: KeyRecord,
    policy: NamedDocument,
    store: Option<Arc<StoreEntry>>,
    /// The alias whose key it is to be, if it is not made yet.
    unmade: Option<String>,
}

impl KeyEntry {
    /// Compiles the policy. A stored policy that no longer parses makes the key unusable: no policy, no access.
    pub(crate) fn new(arn: KeyArn, stored: Versioned<KeyRecord>) -> Result<Self, Malformed> {
        let Versioned { version, value: record } = stored;
        Self::compiled(arn, version, record, None)
    }

    /// A key that will be made on its first use, with the alias that stands for it.
    pub(super) fn unmade(arn: KeyArn, record: KeyRecord, alias: String) -> Result<Self, Malformed> {
        Self::compiled(arn, 0, record, Some(alias))
    }

    fn compiled(arn: KeyArn, version: u64, record: KeyRecord, unmade: Option<String>) -> Result<Self, Malformed> {
        let document = Document::parse(Target::KeyPolicy, &record.policy.text)?;
        let document = document.bind(&record.policy.principal_ids);
        let policy = NamedDocument { name: "key policy".into(), document: Arc::new(document) };
        Ok(Self { arn_text: arn.to_string(), arn, version, record, policy, store: None, unmade })
    }

    /// Where the key lives.
    #[must_use]
    pub fn arn(&self) -> &KeyArn {
        &self.arn
    }

    /// The ARN as text.
    #[must_use]
    pub fn arn_text(&self) -> &str {
        &self.arn_text
    }

    /// How refusals and records name the key: by its ARN; by its alias while it is not made and its id may never be.
    #[must_use]
    pub fn named(&self) -> &str {
        self.unmade.as_deref().unwrap_or(&self.arn_text)
    }

    /// Whether the key is yet to be made.
    #[must_use]
    pub fn is_unmade(&self) -> bool {
        self.unmade.is_some()
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// The state, as the API tells it: while its custom key store is not connected a key that could be used is
    /// unavailable, and keeps the state that is stored for afterwards.
    #[must_use]
    pub fn state(&self) -> KeyState {
        let away = self.record.outside.is_some() && !self.store.as_ref().is_some_and(|store| store.is_connected());
        match self.record.state {
            KeyState::Disabled | KeyState::Enabled if away => KeyState::Unavailable,
            stored => stored,
        }
    }

    /// The custom key store, of a key that is in one.
    #[must_use]
    pub fn store(&self) -> Option<&StoreEntry> {
        self.store.as_deref()
    }

    /// The same key with its custom key store as it is now.
    pub(super) fn with_store(&self, store: Option<Arc<StoreEntry>>) -> Self {
        Self { store, ..self.clone() }
    }

    /// The key policy, compiled.
    #[must_use]
    pub fn policy(&self) -> &NamedDocument {
        &self.policy
    }

    /// Writes a changed record, if nobody changed it meanwhile.
    pub fn update(&self, transaction: &mut Transaction, record: &KeyRecord) {
        transaction.update::<Keys>(&key_key(&self.arn), self.version, record);
    }

    /// Makes a change depend on the record as it was read.
    pub fn expect_unchanged(&self, transaction: &mut Transaction) {
        transaction.check::<Keys>(&key_key(&self.arn), Some(self.version));
    }

    /// Removes the record, if nobody changed it meanwhile.
    pub fn delete(&self, transaction: &mut Transaction) {
        transaction.delete::<Keys>(&key_key(&self.arn), self.version);
    }

    /// The version of the material that encrypts, as the keeper takes it.
    #[must_use]
    pub fn current_material(&self) -> Option<SealedMaterialRef<'_>> {
        self.material(self.record.current_material.as_ref()?)
    }

    /// A version of the material, as the keeper takes it; none if it was removed.
    #[must_use]
    pub fn material(&self, id: &MaterialId) -> Option<SealedMaterialRef<'_>> {
        let material = self.record.materials.iter().find(|material| material.id == *id)?;
        sealed_material(&self.arn, self.record.spec, material)
    }
}

/// A version of the material of the key with that ARN, as the keeper takes it; none if it was removed.
pub(super) fn sealed_material<'a>(
    arn: &KeyArn,
    spec: KeySpec,
    material: &'a Material,
) -> Option<SealedMaterialRef<'a>> {
    let SealedBlob(sealed) = material.sealed.as_ref()?;
    let (account, region, key_id) = key_key(arn);
    let place = MaterialPlace { account, region, key_id, material_id: material.id, spec };
    Some(SealedMaterialRef { place, blob: Bytes(sealed) })
}
