//! `KeyMetadata`, as CreateKey and DescribeKey answer it.
//!
//! Rule: `KeyMetadata` of the AWS KMS API reference; which members are present is as the live service answers.

use kanuki_types::{
    AccountId, CustomKeyStoreId, EncryptionAlgorithm, KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage,
    MacAlgorithm, MaterialId, Origin, Region, SigningAlgorithm, Timestamp,
};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    entry::KeyEntry,
    import::{ExpirationModel, expiration},
    multi_region::{MultiRegion, Role},
    record::KeyRecord,
    specs::{encryption_algorithms, mac_algorithms, signing_algorithms},
};
use crate::custom_key_stores::StoreEntry;

/// An instant as JSON answers write it: seconds since the epoch, with their fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(pub Timestamp);

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.seconds_f64())
    }
}

/// The algorithms that a key works with, under the name that its usage gives them.
#[derive(Debug, Serialize)]
pub(crate) enum Algorithms {
    /// Of Encrypt and Decrypt.
    #[serde(rename = "EncryptionAlgorithms")]
    Encryption(&'static [EncryptionAlgorithm]),
    /// Of Encapsulate and Decapsulate.
    #[serde(rename = "EncapsulationAlgorithms")]
    Encapsulation([&'static str; 1]),
    /// Of DeriveSharedSecret.
    #[serde(rename = "KeyAgreementAlgorithms")]
    KeyAgreement([&'static str; 1]),
    /// Of GenerateMac and VerifyMac.
    #[serde(rename = "MacAlgorithms")]
    Mac(&'static [MacAlgorithm]),
    /// Of Sign and Verify.
    #[serde(rename = "SigningAlgorithms")]
    Signing(&'static [SigningAlgorithm]),
}

impl Algorithms {
    /// Of a key.
    pub(crate) fn of(record: &KeyRecord) -> Self {
        match record.usage {
            KeyUsage::EncryptDecrypt => Self::Encryption(encryption_algorithms(record.spec)),
            KeyUsage::GenerateVerifyMac => Self::Mac(mac_algorithms(record.spec)),
            KeyUsage::KeyAgreement => Self::KeyAgreement(["ECDH"]),
            KeyUsage::EncapsulateDecapsulate => Self::Encapsulation(["ML_KEM"]),
            KeyUsage::SignVerify => Self::Signing(signing_algorithms(record.spec)),
        }
    }
}

/// The set of a multi-Region key, seen from one of its copies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionConfiguration {
    multi_region_key_type: Role,
    primary_key: MultiRegionKey,
    replica_keys: Vec<MultiRegionKey>,
}

impl MultiRegionConfiguration {
    fn of(arn: &KeyArn, set: &MultiRegion) -> Self {
        let copy = |region: &Region| MultiRegionKey {
            arn: KeyArn { region: region.clone(), ..arn.clone() }.to_string(),
            region: region.clone(),
        };
        Self {
            multi_region_key_type: set.role(&arn.region),
            primary_key: copy(&set.primary),
            replica_keys: set.replicas.iter().map(copy).collect(),
        }
    }
}

/// A copy of a multi-Region key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionKey {
    arn: String,
    region: Region,
}

/// What the API tells about a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    account: AccountId,
    key_id: KeyId,
    arn: String,
    creation_date: Epoch,
    enabled: bool,
    description: String,
    key_usage: KeyUsage,
    key_state: KeyState,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_deletion_window_in_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Epoch>,
    origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<ExpirationModel>,
    key_manager: KeyManager,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_master_key_spec: Option<KeySpec>,
    key_spec: KeySpec,
    #[serde(flatten)]
    algorithms: Algorithms,
    multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region_configuration: Option<MultiRegionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_key_material_id: Option<MaterialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_key_store_id: Option<CustomKeyStoreId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_hsm_cluster_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xks_key_configuration: Option<XksKeyConfiguration>,
}

/// The external key of a key in an external key store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct XksKeyConfiguration {
    id: String,
}

impl KeyMetadata {
    /// Of a key that is stored.
    #[must_use]
    pub fn of(entry: &KeyEntry) -> Self {
        let stored = Self::of_record(entry.arn(), entry.record());
        let state = entry.state();
        Self { key_state: state, enabled: state == KeyState::Enabled, ..stored }.in_store(entry.store())
    }

    /// The same, of a key in a custom key store.
    #[must_use]
    pub fn in_store(self, store: Option<&StoreEntry>) -> Self {
        let cluster_id = store.and_then(StoreEntry::cluster_id);
        Self { cloud_hsm_cluster_id: cluster_id.map(str::to_owned), ..self }
    }

    /// Of a record that is about to be stored.
    #[must_use]
    pub fn of_record(arn: &KeyArn, record: &KeyRecord) -> Self {
        let expiration = expiration(record);
        let outside = record.outside.as_ref();
        let external = outside.filter(|_| record.origin == Origin::ExternalKeyStore);
        Self {
            account: arn.account,
            key_id: arn.key_id,
            arn: arn.to_string(),
            creation_date: Epoch(record.created),
            enabled: record.state == KeyState::Enabled,
            description: record.description.clone(),
            key_usage: record.usage,
            key_state: record.state,
            deletion_date: record.deletion_date.map(Epoch),
            pending_deletion_window_in_days: record.pending_window_days,
            valid_to: expiration.and_then(|(_, valid_to)| valid_to).map(Epoch),
            origin: record.origin,
            expiration_model: expiration.map(|(model, _)| model),
            key_manager: record.manager,
            customer_master_key_spec: old_name(record.spec),
            key_spec: record.spec,
            algorithms: Algorithms::of(record),
            multi_region: arn.key_id.is_multi_region(),
            multi_region_configuration: record.multi_region.as_ref().map(|set| MultiRegionConfiguration::of(arn, set)),
            // Only material that can rotate has ids that clients see.
            current_key_material_id: record
                .current_material
                .filter(|_| record.spec == KeySpec::SymmetricDefault && outside.is_none()),
            custom_key_store_id: outside.map(|outside| outside.store.clone()),
            cloud_hsm_cluster_id: None,
            xks_key_configuration: external.map(|outside| XksKeyConfiguration { id: outside.key.clone() }),
        }
    }

    /// The same as `responseElements` of an audit record: names in lower camel case, instants as text.
    #[must_use]
    pub fn response_elements(&self) -> Value {
        let mut metadata = serde_json::to_value(self).unwrap_or_default();
        if let Some(members) = metadata.as_object_mut() {
            members.insert("CreationDate".into(), self.creation_date.0.audit_text().into());
        }
        recorded(metadata)
    }
}

/// A value with the names of its members as audit records spell them.
fn recorded(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(recorded).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (crate::wire::lower_camel(&name), recorded(value))).collect()
        }
        other => other,
    }
}

/// A spec under the member's former name, whose enumeration in the model ended before the newest specs.
pub(crate) fn old_name(spec: KeySpec) -> Option<KeySpec> {
    use KeySpec::{EccNistEdwards25519, MlDsa44, MlDsa65, MlDsa87, MlKem512, MlKem768, MlKem1024};
    let newer = matches!(spec, EccNistEdwards25519 | MlDsa44 | MlDsa65 | MlDsa87 | MlKem512 | MlKem768 | MlKem1024);
    (!newer).then_some(spec)
}
