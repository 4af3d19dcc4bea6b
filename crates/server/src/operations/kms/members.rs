//! Members that several operations share, and the plan of operations on one key.

use std::sync::Arc;

use kanuki_types::{AliasName, DataKeySpec, EncryptionAlgorithm, ParseAliasNameError};

use crate::{
    authn::Authenticated,
    authz::Demand,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, KeyName, Names},
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

/// Reads grant tokens. A grant is in force as soon as it is made, so its token adds nothing.
pub(super) fn grant_tokens(fields: &mut Fields) -> Result<(), ApiError> {
    fields.texts("GrantTokens", 0..=10, 1..=8192).map(drop)
}

/// Reads an algorithm; the symmetric one is meant when none is given.
pub(super) fn encryption_algorithm(fields: &mut Fields, name: &str) -> Result<EncryptionAlgorithm, ApiError> {
    let algorithm = fields.choice(name, EncryptionAlgorithm::ALL, EncryptionAlgorithm::as_str)?;
    Ok(algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault))
}

/// Refuses an attestation document: without a configured trust root nothing can be checked against it.
pub(super) fn no_recipient(fields: &Fields) -> Result<(), ApiError> {
    match fields.raw().get("Recipient") {
        Some(value) if !value.is_null() => {
            let message =
                "The Recipient parameter needs a trust root for attestation documents, and none is configured.";
            Err(ApiError::new(ErrorCode::UnsupportedOperation, message))
        }
        _ => Ok(()),
    }
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
    doors.keys.resolve(caller.caller().account, caller.region(), identifier, names).await
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

/// Checks that a key works with an algorithm.
pub(super) fn check_algorithm(key: &KeyEntry, algorithm: EncryptionAlgorithm) -> Result<(), ApiError> {
    if algorithm == EncryptionAlgorithm::SymmetricDefault {
        return Ok(());
    }
    let message = format!("Algorithm {algorithm} is incompatible with key spec {}.", key.record().spec);
    Err(ApiError::new(ErrorCode::InvalidKeyUsage, message))
}

const KEY_ID_CHARS: std::ops::RangeInclusive<usize> = 1..=2048;
