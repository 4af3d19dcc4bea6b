//! ListKeyRotations: the rotations of a key, oldest first, with the versions of its material if they are asked for.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html>

use std::sync::Arc;

use kanuki_types::{KeyId, MaterialId, Origin};
use serde::Serialize;

use super::members;
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{Epoch, ExpirationModel, KeyEntry, KeyRecord, Material, Names, Page, PageRequest, RotationType, check_symmetric},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListKeyRotations;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    all_material: bool,
    page: PageRequest,
}

/// A version of the material.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RotationsListEntry {
    key_id: KeyId,
    key_material_id: MaterialId,
    key_material_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_type: Option<RotationType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<ExpirationModel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Epoch>,
}

impl RotationsListEntry {
    fn of(key_id: KeyId, record: &KeyRecord, material: &Material, pending: &'static str) -> Self {
        // What was removed has no end any more, but is still described.
        let imported = material.imported.as_ref().filter(|_| record.origin == Origin::External);
        let stored = imported.filter(|_| material.sealed.is_some());
        Self {
            key_id,
            key_material_id: material.id,
            key_material_state: state(record, &material.id, pending),
            rotation_date: material.rotated.map(|rotated| Epoch(rotated.date)),
            rotation_type: material.rotated.map(|rotated| rotated.by),
            import_state: imported.map(|_| if stored.is_some() { "IMPORTED" } else { "PENDING_IMPORT" }),
            key_material_description: imported.and_then(|imported| imported.description.clone()),
            expiration_model: stored.map(|imported| ExpirationModel::of(imported.valid_to)),
            valid_to: stored.and_then(|imported| imported.valid_to).map(Epoch),
        }
    }
}

fn state(record: &KeyRecord, id: &MaterialId, pending: &'static str) -> &'static str {
    if record.current_material == Some(*id) {
        "CURRENT"
    } else if record.pending_material == Some(*id) {
        pending
    } else {
        "NON_CURRENT"
    }
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    rotations: Vec<RotationsListEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl Operation for ListKeyRotations {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "ListKeyRotations", &["KeyId", "IncludeKeyMaterial", "Limit", "Marker"]);
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let include = fields.choice("IncludeKeyMaterial", &["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"], |name| name)?;
        let all_material = include == Some("ALL_KEY_MATERIAL");
        Ok(Input { key_id, all_material, page: PageRequest::read(fields, "ListKeyRotations", 100, 1000)? })
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &Input,
    ) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:ListKeyRotations", name)).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        check_symmetric(key)?;
        members::not_outside(key)?;
        let Input { all_material, page, .. } = authorized.input();
        let record = key.record();
        let pending = pending_state(doors, key).await?;
        let versions = record.materials.iter().filter(|material| *all_material || material.rotated.is_some());
        // The marker is the id of the last version seen.
        let after = page.after.as_deref();
        let behind = versions.skip_while(|material| after.is_some_and(|id| material.id.as_bytes() != id));
        let rotations = behind
            .skip(usize::from(after.is_some()))
            .take(page.limit + 1)
            .map(|material| RotationsListEntry::of(key.arn().key_id, record, material, pending))
            .collect();
        let Page { items, next } = page.page(rotations, |entry: &RotationsListEntry| entry.key_material_id.as_bytes().to_vec());
        Ok(Outcome::answer(Output { rotations: items, truncated: next.is_some(), next_marker: next }))
    }
}

/// The state of material that waits for its rotation: with replicas, whether all of them have it.
async fn pending_state(doors: &Doors, key: &KeyEntry) -> Result<&'static str, ApiError> {
    let everywhere = key.record().pending_material.is_none() || doors.keys.is_pending_everywhere(key).await?;
    Ok(if everywhere { "PENDING_ROTATION" } else { "PENDING_MULTI_REGION_IMPORT_AND_ROTATION" })
}
