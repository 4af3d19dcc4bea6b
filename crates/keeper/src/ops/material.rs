//! Key material: making it, sealing it, finding it again.
//!
//! Not here: what is done with it.
//! Invariants: sealed material opens only for its account, Region, key, version and spec; the id of a material is a
//! function of key id and material that tells nothing about the material (section "KeyMaterialId" of the AWS KMS API
//! reference states the dependence, not the function).

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{KeyPlace, MaterialPlace, OwnedBytes, Reason, Response, SealedMaterialRef, SecretRef};
use kanuki_types::{KeySpec, MaterialId};

use crate::{
    error::{Failed, OpError},
    keyring::Keyring,
    material::{KEY_BYTES, Material},
};

/// Generates and seals key material.
pub(super) fn create(keyring: &mut Keyring, key: &KeyPlace) -> Result<Response, OpError> {
    let length = length(key.spec)?;
    seal(keyring, key, &Material::random(length)?)
}

/// Seals given key material.
pub(super) fn insecure_seal(
    keyring: &mut Keyring,
    key: &KeyPlace,
    material: &SecretRef<'_>,
) -> Result<Response, OpError> {
    if material.0.len() != length(key.spec)? {
        return Err(OpError::Refused(Reason::BadRequest));
    }
    seal(keyring, key, &Material::copy_of(material.0))
}

/// Opens sealed key material at its place.
pub(super) fn open(keyring: &mut Keyring, sealed: &SealedMaterialRef<'_>) -> Result<Material, OpError> {
    let length = length(sealed.place.spec)?;
    let material = keyring.materials.open(&place_bytes(&sealed.place), sealed.blob.0)?;
    if material.expose().len() == length { Ok(material) } else { Err(OpError::Failed) }
}

fn seal(keyring: &mut Keyring, key: &KeyPlace, material: &Material) -> Result<Response, OpError> {
    let material_id = id(keyring, key, material)?;
    let KeyPlace { account, region, key_id, spec } = key.clone();
    let place = MaterialPlace { account, region, key_id, material_id, spec };
    let blob = keyring.materials.seal(&place_bytes(&place), material.expose())?;
    Ok(Response::Material { material_id, blob: OwnedBytes(blob) })
}

fn id(keyring: &Keyring, key: &KeyPlace, material: &Material) -> Result<MaterialId, Failed> {
    let mut context = hmac::Context::with_key(keyring.material_id_key());
    // The key id has one length, so nothing is ambiguous.
    context.update(&key.key_id.to_bytes());
    context.update(material.expose());
    Ok(MaterialId::new(context.sign().as_ref().try_into().map_err(|_| Failed)?))
}

/// Length of the material of a spec.
fn length(spec: KeySpec) -> Result<usize, OpError> {
    match spec {
        KeySpec::SymmetricDefault => Ok(KEY_BYTES),
        _ => Err(OpError::Refused(Reason::UnsupportedSpec)),
    }
}

/// What sealed material is bound to: fields of fixed length, then Region and spec, each behind its length.
fn place_bytes(place: &MaterialPlace) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&place.account.to_bytes());
    bytes.extend_from_slice(&place.key_id.to_bytes());
    bytes.extend_from_slice(place.material_id.as_bytes());
    for name in [place.region.as_str(), place.spec.as_str()] {
        // Both are far below 256 bytes; were one not, its place would match nothing else either.
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes
}
