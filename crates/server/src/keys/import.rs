//! Imported key material: how it comes in, what it may stand for, and how it goes.
//!
//! Rule: "Importing key material for AWS KMS keys" of the developer guide. Not here: unwrapping (the keeper's) and
//! waiting for the end of a validity (a job's).
//! Invariants: a key with imported material is pending import exactly while some version of its material is missing,
//! unless it waits for its deletion; material that was removed is in no record and is never used.

mod associate;
mod expiry;

use kanuki_keeper_protocol::{KeeperError, NewMaterial, Reason};
use kanuki_types::{KeySpec, Origin, Timestamp, WrappingAlgorithm, WrappingKeySpec};
use serde::{Deserialize, Serialize};

use super::{Keys, entry::KeyEntry, record::KeyRecord};
use crate::{
    authz::Proof,
    error::{ApiError, ErrorCode},
};

pub use associate::{ImportTerms, associate, promote, remove, settle_state};
pub use expiry::{Expiries, ExpiryKey};

/// What a version of material has that was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The user's description; kept when the material is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it is removed; none if it stays until somebody removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
}

/// What an import adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportType {
    /// Material that the key has or had.
    Existing,
    /// Material that the key never had.
    New,
}

impl ImportType {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::New, Self::Existing];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Existing => "EXISTING_KEY_MATERIAL",
            Self::New => "NEW_KEY_MATERIAL",
        }
    }
}

/// Whether imported material goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ExpirationModel {
    /// At its `ValidTo`.
    #[serde(rename = "KEY_MATERIAL_EXPIRES")]
    Expires,
    /// Never.
    #[serde(rename = "KEY_MATERIAL_DOES_NOT_EXPIRE")]
    DoesNotExpire,
}

impl ExpirationModel {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Expires, Self::DoesNotExpire];

    /// Of material with that end.
    #[must_use]
    pub fn of(valid_to: Option<Timestamp>) -> Self {
        if valid_to.is_some() { Self::Expires } else { Self::DoesNotExpire }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expires => "KEY_MATERIAL_EXPIRES",
            Self::DoesNotExpire => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
    }
}

impl Keys {
    /// Makes a wrapping key for a key's material. Answers the import token and the public half (SubjectPublicKeyInfo in
    /// DER).
    ///
    /// # Errors
    /// `UnsupportedOperationException` if the algorithm does not wrap material of this key; or if the keeper fails.
    pub async fn import_parameters(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        wrapping: (WrappingAlgorithm, WrappingKeySpec),
        valid_to: Timestamp,
    ) -> Result<(Vec<u8>, Vec<u8>), ApiError> {
        proof.covers(key.arn())?;
        let (algorithm, wrapping_spec) = wrapping;
        let (arn, spec) = (key.arn(), key.record().spec);
        let made = self.keeper.import_parameters(
            arn.account,
            &arn.region,
            arn.key_id,
            spec,
            algorithm,
            wrapping_spec,
            valid_to,
        );
        made.await.map_err(|error| match error {
            KeeperError::Refused(Reason::UnsupportedAlgorithm | Reason::UnsupportedSpec) => {
                let message = format!(
                    "Wrapping algorithm {algorithm} with wrapping key spec {wrapping_spec} is not supported for key \
                     spec {spec}."
                );
                ApiError::new(ErrorCode::UnsupportedOperation, message)
            }
            other => other.into(),
        })
    }

    /// Unwraps material and seals it for a key. Nothing is stored yet.
    ///
    /// # Errors
    /// `InvalidImportTokenException`, `ExpiredImportTokenException`, `InvalidCiphertextException` or
    /// `IncorrectKeyMaterialException`, in this order; or if the keeper fails.
    pub async fn import_material(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        token: &[u8],
        encrypted: &[u8],
        now: Timestamp,
    ) -> Result<NewMaterial, ApiError> {
        proof.covers(key.arn())?;
        let (arn, spec) = (key.arn(), key.record().spec);
        let made = self.keeper.import_material(arn.account, &arn.region, arn.key_id, spec, token, encrypted, now).await;
        made.map_err(|error| match error {
            KeeperError::Refused(Reason::ImportTokenInvalid) => ApiError::bare(ErrorCode::InvalidImportToken),
            KeeperError::Refused(Reason::ImportTokenExpired) => ApiError::bare(ErrorCode::ExpiredImportToken),
            KeeperError::Refused(Reason::UnwrapFailed) => ApiError::bare(ErrorCode::InvalidCiphertext),
            KeeperError::Refused(Reason::MaterialInvalid) => {
                let message = format!("The key material in the request does not fit key spec {spec}.");
                ApiError::new(ErrorCode::IncorrectKeyMaterial, message)
            }
            other => other.into(),
        })
    }
}

/// Checks that a key is of the kind whose material is imported.
///
/// # Errors
/// `UnsupportedOperationException`.
pub fn check_imports(key: &KeyEntry) -> Result<(), ApiError> {
    if key.record().origin == Origin::External {
        return Ok(());
    }
    let message =
        format!("{} origin is {} which is not valid for this operation.", key.arn_text(), key.record().origin);
    Err(ApiError::new(ErrorCode::UnsupportedOperation, message))
}

/// Whether material of a spec can be imported: lattice keys come from the keeper alone.
///
/// Rule: "Supported KMS key types" for imported key material of the developer guide.
#[must_use]
pub fn is_importable(spec: KeySpec) -> bool {
    use KeySpec as S;
    !matches!(spec, S::MlDsa44 | S::MlDsa65 | S::MlDsa87 | S::MlKem512 | S::MlKem768 | S::MlKem1024 | S::Sm2)
}

/// Whether the imported material of a key goes by itself, and when the first of it does; none while there is none. What
/// still waits for its rotation does not count.
#[must_use]
pub fn expiration(record: &KeyRecord) -> Option<(ExpirationModel, Option<Timestamp>)> {
    let associated = record.materials.iter().filter(|material| record.pending_material != Some(material.id));
    let present = associated.filter(|material| material.sealed.is_some());
    let ends: Vec<Option<Timestamp>> = present.filter_map(|m| m.imported.as_ref()).map(|i| i.valid_to).collect();
    let first = ends.iter().flatten().min().copied();
    (!ends.is_empty()).then(|| (ExpirationModel::of(first), first))
}
