//! Which imported material may stand for a key, and what that makes of the key's state.
//!
//! Rule: "Reimporting key material" and "Importing new key material" of the developer guide.
//! Invariants: a version that once was current is never replaced by other bytes, whatever is removed; at most one
//! version waits for its rotation.

use kanuki_keeper_protocol::NewMaterial;
use kanuki_types::{KeyArn, KeyState, MaterialId, Origin, Timestamp};

use super::{ImportType, Imported};
use crate::{
    error::{ApiError, ErrorCode},
    keys::{
        multi_region::Role,
        record::{KeyRecord, Material, PublicKey, SealedBlob},
    },
};

/// What an import asks for beside the material.
#[derive(Debug, Default)]
pub struct ImportTerms {
    /// What it adds; by the key's history if it is not said.
    pub import_type: Option<ImportType>,
    /// The version that the material must be.
    pub material_id: Option<MaterialId>,
    /// A description; the one that the version has stays if none is given.
    pub description: Option<String>,
    /// When the material goes.
    pub valid_to: Option<Timestamp>,
}

/// Puts unwrapped material in its place.
///
/// # Errors
/// `IncorrectKeyMaterialException` if the material is not the one that the call claims; `KMSInvalidStateException` if
/// another version waits for its rotation.
pub fn associate(
    arn: &KeyArn,
    record: &mut KeyRecord,
    new: NewMaterial,
    now: Timestamp,
    terms: &ImportTerms,
) -> Result<(), ApiError> {
    let id = new.id;
    let is_first = record.materials.is_empty();
    let known = record.materials.iter_mut().find(|material| material.id == id);
    if terms.material_id.is_some_and(|claimed| claimed != id || known.is_none()) {
        return Err(incorrect(arn, "is not the one that KeyMaterialId names"));
    }
    let by_history = if is_first { ImportType::New } else { ImportType::Existing };
    match (terms.import_type.unwrap_or(by_history), known) {
        (ImportType::Existing, Some(material)) => restore(material, new, terms),
        (ImportType::Existing, None) => {
            return Err(incorrect(arn, "differs from the one that was imported before"));
        }
        (ImportType::New, Some(_)) => return Err(incorrect(arn, "was imported before and is not new")),
        (ImportType::New, None) => {
            if let Some(pending) = record.pending_material {
                let message = format!(
                    "New key material (id: {id}) cannot be imported into KMS key {arn}, because another key material \
                     (id: {pending}) is pending rotation."
                );
                return Err(ApiError::new(ErrorCode::InvalidState, message));
            }
            let imported = Imported { description: terms.description.clone(), valid_to: terms.valid_to };
            record.materials.push(Material { imported: Some(imported), ..Material::first(new, now) });
            let place = if is_first { &mut record.current_material } else { &mut record.pending_material };
            *place = Some(id);
        }
    }
    settle_state(record);
    Ok(())
}

fn restore(material: &mut Material, new: NewMaterial, terms: &ImportTerms) {
    let kept = material.imported.take().and_then(|imported| imported.description);
    material.imported = Some(Imported { description: terms.description.clone().or(kept), valid_to: terms.valid_to });
    material.sealed = Some(SealedBlob(new.sealed));
    material.public_key = new.public_key.map(PublicKey);
}

/// Removes a version: what waits for its rotation is forgotten, anything else only loses its bytes, and the key can be
/// used again when it gets the same ones back. A replica forgets nothing, since which versions there are is its primary's
/// to say. Answers whether there was anything to remove.
pub fn remove(arn: &KeyArn, record: &mut KeyRecord, id: &MaterialId) -> bool {
    let Some(place) = record.materials.iter().position(|material| material.id == *id) else { return false };
    if record.pending_material == Some(*id) && record.role(arn) != Some(Role::Replica) {
        record.pending_material = None;
        record.materials.remove(place);
        return true;
    }
    let Some(material) = record.materials.get_mut(place).filter(|material| material.sealed.is_some()) else {
        return false;
    };
    material.sealed = None;
    if let Some(imported) = &mut material.imported {
        imported.valid_to = None;
    }
    settle_state(record);
    true
}

/// Takes out the version that waits for its rotation, to make it the current one.
pub fn promote(record: &mut KeyRecord) -> Option<Material> {
    let pending = record.pending_material.take()?;
    let place = record.materials.iter().position(|material| material.id == pending)?;
    Some(record.materials.remove(place))
}

/// Brings the state in line with the material that is there. A key that waits for its deletion goes on waiting, and one
/// that is disabled stays so while all of its material is there. What waits for its rotation is not yet needed.
pub fn settle_state(record: &mut KeyRecord) {
    let missing = |material: &Material| material.sealed.is_none() && record.pending_material != Some(material.id);
    let lacks = record.origin == Origin::External
        && (record.current_material.is_none() || record.materials.iter().any(missing));
    record.state = match (record.state, lacks) {
        (KeyState::PendingImport, false) => KeyState::Enabled,
        (KeyState::Disabled | KeyState::Enabled | KeyState::Updating, true) => KeyState::PendingImport,
        (state, _) => state,
    };
}

fn incorrect(arn: &KeyArn, what: &str) -> ApiError {
    ApiError::new(ErrorCode::IncorrectKeyMaterial, format!("The key material in the request for {arn} {what}."))
}

#[cfg(test)]
mod tests;
