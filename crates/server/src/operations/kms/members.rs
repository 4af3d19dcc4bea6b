//! Members that several operations share, and the plan of operations on one key.

use std::sync::Arc;

use kanuki_types::{
    AliasName, DataKeyPairSpec, DataKeySpec, EncryptionAlgorithm, KeySpec, MacAlgorithm, MaterialId, MessageType,
    ParseAliasNameError, REGION_LEN_MAX, Region, SigningAlgorithm,
};
use serde_json::{Value, json};

use crate::{
    authn::Authenticated,
    authz::Demand,
    custom_key_stores::OutsideKey,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{GRANT_TOKEN_CHARS_MAX, KeyEntry, KeyName, KeyRecord, Names, read_grant_token},
    operation::Plan,
    wire::Fields,
};

/// Reads the member `KeyId`.
pub(super) fn key_id(fields: &mut Fields) -> Result<String, ApiError> {
    fields.required_text("KeyId", KEY_ID_CHARS)
}

/// Reads a member that names a key and may be left out.
pub(super) fn optional_key_id(fields: &mut Fields, name: &str) -> Result<Option<String>, ApiError> {
    fields.text(name, KEY_ID_CHARS)
}

/// Reads a member that names a Region. Which Regions there are is the operator's choice, so names are taken that the
/// model's pattern does not foresee.
pub(super) fn region(fields: &mut Fields, name: &str) -> Result<Option<Region>, ApiError> {
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    let text = fields.pattern_text(name, 1..=REGION_LEN_MAX, "^([a-z]+-){2,3}\\d+$", allowed)?;
    let text = fields.require(name, text);
    // What is no name has violated something already, or names no Region.
    if fields.has_violations() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| region_missing(&text))
}

/// The refusal of a Region that is not served.
pub(super) fn region_missing(region: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("Region {region} is not available."))
}

/// The Region that was read; the pipeline has refused violations before.
pub(super) fn given(region: &Option<Region>) -> Result<&Region, ApiError> {
    region.as_ref().ok_or_else(|| ApiError::internal("an input with violations was not refused"))
}

/// Reads grant tokens. A grant is in force as soon as it is made, so its token adds nothing but its form.
pub(super) fn grant_tokens(fields: &mut Fields) -> Result<(), ApiError> {
    let tokens = unread_grant_tokens(fields)?.unwrap_or_default();
    if fields.has_violations() {
        return Ok(());
    }
    tokens.iter().try_for_each(|token| read_grant_token(token).map(drop))
}

/// Takes grant tokens of an operation that has no error for wrong ones.
pub(super) fn unread_grant_tokens(fields: &mut Fields) -> Result<Option<Vec<String>>, ApiError> {
    fields.texts("GrantTokens", 0..=GRANT_TOKENS_MAX, 1..=GRANT_TOKEN_CHARS_MAX)
}

/// Reads an algorithm; the symmetric one is meant when none is given.
pub(super) fn encryption_algorithm(fields: &mut Fields, name: &str) -> Result<EncryptionAlgorithm, ApiError> {
    let algorithm = fields.choice(name, EncryptionAlgorithm::ALL, EncryptionAlgorithm::as_str)?;
    Ok(algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault))
}

/// Reads `DryRunModifiers`: whether a dry run leaves the ciphertext aside and looks at the authorization alone.
pub(super) fn ignores_ciphertext(fields: &mut Fields) -> Result<bool, ApiError> {
    let modifiers = fields.choices("DryRunModifiers", &["IGNORE_CIPHERTEXT"], |name| name)?.unwrap_or_default();
    if !modifiers.is_empty() && !fields.is_dry_run() {
        return Err(ApiError::validation("DryRunModifiers can only be specified when DryRun is true."));
    }
    Ok(!modifiers.is_empty())
}

/// Reads the ciphertext of an operation that opens one; none if a dry run leaves it aside. What then is sent in its
/// place is not looked at, beyond its form.
pub(super) fn ciphertext(fields: &mut Fields, ignored: bool) -> Result<Option<Vec<u8>>, ApiError> {
    let ciphertext = fields.blob("CiphertextBlob", CIPHERTEXT_BYTES)?;
    if ignored {
        return Ok(None);
    }
    Ok(Some(fields.require("CiphertextBlob", ciphertext)))
}

/// Reads the length of a data key: by name or in bytes, exactly one of the two.
pub(super) fn data_key_length(fields: &mut Fields) -> Result<usize, ApiError> {
    let spec = fields.choice("KeySpec", DataKeySpec::ALL, DataKeySpec::as_str)?;
    let bytes = fields.integer("NumberOfBytes", 1..=1024)?;
    if fields.has_violations() {
        return Ok(0);
    }
    match (spec, bytes) {
        (Some(DataKeySpec::Aes256), None) => Ok(32),
        (Some(DataKeySpec::Aes128), None) => Ok(16),
        (None, Some(bytes)) => usize::try_from(bytes).map_err(ApiError::internal),
        _ => Err(ApiError::validation("Please specify either number of bytes or key spec.")),
    }
}

/// Reads an alias name that may be made or changed.
pub(super) fn alias_name(fields: &mut Fields) -> Result<Option<AliasName>, ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '_' | '-');
    let text = fields.pattern_text("AliasName", 1..=256, "^[a-zA-Z0-9:/_-]+$", allowed)?;
    let text = fields.require("AliasName", text);
    if fields.has_violations() {
        return Ok(None);
    }
    let name: AliasName = text.parse().map_err(|error| match error {
        ParseAliasNameError::Prefix => ApiError::validation(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ),
        ParseAliasNameError::Empty | ParseAliasNameError::Length => ApiError::validation("Invalid identifier"),
        ParseAliasNameError::Character => {
            ApiError::validation(format!("{text} contains invalid characters for an alias"))
        }
    })?;
    if name.is_reserved() {
        return Err(ApiError::bare(ErrorCode::NotAuthorized));
    }
    Ok(Some(name))
}

/// Reads `PolicyName`; there is only one policy, called `default`.
pub(super) fn policy_name(fields: &mut Fields) -> Result<bool, ApiError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = fields.pattern_text("PolicyName", 1..=128, "[\\w]+", word)?;
    Ok(name.is_none_or(|name| name == "default"))
}

/// The key behind an identifier, or nothing that the caller may know of.
pub(super) async fn resolve(
    doors: &Doors,
    caller: &Authenticated,
    identifier: &str,
    names: Names,
) -> Result<KeyName, ApiError> {
    // A service's call may be the first use of the key that it has in the caller's account.
    if caller.via().is_empty() {
        doors.keys.resolve(caller.caller().account, caller.region(), identifier, names).await
    } else {
        super::first_use::resolve(doors, caller, identifier, names).await
    }
}

/// The plan of an operation on one key: its target is the key.
pub(super) async fn plan_on_key(
    doors: &Doors,
    caller: &Authenticated,
    identifier: &str,
    names: Names,
    demand: impl FnOnce(&KeyName) -> Demand,
) -> Result<Plan<Option<Arc<KeyEntry>>>, ApiError> {
    let name = resolve(doors, caller, identifier, names).await?;
    let demand = demand(&name);
    Ok(Plan::new(found(name), demand))
}

/// The key, if there is one. A demand on what is hidden is never allowed, so an operation that runs has a key.
pub(super) fn found(name: KeyName) -> Option<Arc<KeyEntry>> {
    match name {
        KeyName::Found { entry, .. } => Some(entry),
        KeyName::Hidden { .. } => None,
    }
}

/// The key of an authorized plan.
pub(super) fn key(target: &Option<Arc<KeyEntry>>) -> Result<&Arc<KeyEntry>, ApiError> {
    target.as_ref().ok_or_else(|| ApiError::internal("an operation was authorized for a key that does not exist"))
}

/// `additionalEventData` of a call that used a key's current material: ids are told of symmetric keys only.
pub(super) fn material_event_data(key: &KeyEntry) -> Value {
    match key.record().current_material.filter(|_| key.record().spec == KeySpec::SymmetricDefault) {
        Some(material) => used_material_event_data(key, material),
        None => Value::Null,
    }
}

/// `additionalEventData` of a call that used a version of a symmetric key's material, and with it the custom key store
/// that the key is in.
pub(super) fn used_material_event_data(key: &KeyEntry, material: MaterialId) -> Value {
    let mut data = json!({ "keyMaterialId": material });
    let outside = outside_event_data(key.record(), key.store().and_then(|store| store.cluster_id()));
    if let (Some(members), Some(Value::Object(outside))) = (data.as_object_mut(), outside) {
        members.extend(outside);
    }
    data
}

/// What `additionalEventData` says of a key in a custom key store.
pub(super) fn outside_event_data(record: &KeyRecord, cluster_id: Option<&str>) -> Option<Value> {
    let OutsideKey { store, key } = record.outside.as_ref()?;
    Some(match cluster_id {
        Some(cluster_id) => json!({ "customKeyStoreId": store, "clusterId": cluster_id, "backingKeyId": key }),
        None => json!({ "customKeyStoreId": store, "xksKeyId": key }),
    })
}

/// Refuses a key in a custom key store.
///
/// # Errors
/// `UnsupportedOperationException`.
pub(super) fn not_outside(key: &KeyEntry) -> Result<(), ApiError> {
    let record = key.record();
    if record.outside.is_none() {
        return Ok(());
    }
    let message = format!("{} origin is {} which is not valid for this operation.", key.arn_text(), record.origin);
    Err(ApiError::new(ErrorCode::UnsupportedOperation, message))
}

/// Reads `KeyMaterialId`.
pub(super) fn key_material_id(fields: &mut Fields) -> Result<Option<MaterialId>, ApiError> {
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let text = fields.pattern_text("KeyMaterialId", 64..=64, "^[a-f0-9]+$", hex)?;
    // What is no id is a violation already.
    Ok(text.and_then(|text| text.parse().ok()))
}

/// `responseElements` of a call that changed imported material.
pub(super) fn material_elements(key_arn: &str, material: Option<MaterialId>) -> Value {
    match material {
        Some(material) => json!({ "keyId": key_arn, "keyMaterialId": material }),
        None => json!({ "keyId": key_arn }),
    }
}

/// Reads `Message` with its `MessageType`, which is RAW when it is left out.
pub(super) fn message(fields: &mut Fields) -> Result<(Vec<u8>, MessageType), ApiError> {
    let message = fields.required_blob("Message", 1..=4096)?;
    let kind = fields.choice("MessageType", MessageType::ALL, MessageType::as_str)?;
    Ok((message, kind.unwrap_or(MessageType::Raw)))
}

/// Reads `SigningAlgorithm`, which must be there.
pub(super) fn signing_algorithm(fields: &mut Fields) -> Result<SigningAlgorithm, ApiError> {
    let algorithm = fields.choice("SigningAlgorithm", SigningAlgorithm::ALL, SigningAlgorithm::as_str)?;
    // The stand-in for an absent one never gets out: its absence is a violation.
    Ok(fields.require_or("SigningAlgorithm", algorithm, SigningAlgorithm::EcdsaSha256))
}

/// Reads `MacAlgorithm`, which must be there.
pub(super) fn mac_algorithm(fields: &mut Fields) -> Result<MacAlgorithm, ApiError> {
    let algorithm = fields.choice("MacAlgorithm", MacAlgorithm::ALL, MacAlgorithm::as_str)?;
    Ok(fields.require_or("MacAlgorithm", algorithm, MacAlgorithm::HmacSha256))
}

/// Reads `KeyPairSpec`, which must be there.
pub(super) fn data_key_pair_spec(fields: &mut Fields) -> Result<DataKeyPairSpec, ApiError> {
    let spec = fields.choice("KeyPairSpec", DataKeyPairSpec::ALL, DataKeyPairSpec::as_str)?;
    Ok(fields.require_or("KeyPairSpec", spec, DataKeyPairSpec::EccNistP256))
}

/// Reads `EncapsulationAlgorithm`, which must be there and of which there is one.
pub(super) fn encapsulation_algorithm(fields: &mut Fields) -> Result<(), ApiError> {
    let algorithm = fields.choice("EncapsulationAlgorithm", &["ML_KEM"], |name| name)?;
    fields.require("EncapsulationAlgorithm", algorithm);
    Ok(())
}

/// Most grant tokens of a call.
const GRANT_TOKENS_MAX: usize = 10;
/// Rule: `CiphertextBlob` of the Decrypt API page.
const CIPHERTEXT_BYTES: std::ops::RangeInclusive<usize> = 1..=6144;
const KEY_ID_CHARS: std::ops::RangeInclusive<usize> = 1..=2048;
