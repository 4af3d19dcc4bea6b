//! Key material: making it, sealing it, finding it again.
//!
//! Not here: what is done with it.
//! Invariants: sealed material opens only for its account, Region, key, version and spec; it fits its spec; the id of a
//! material is a function of key id and material that tells nothing about the material (section "KeyMaterialId" of the
//! AWS KMS API reference states the dependence, not the function).
//!
//! Material is bytes for symmetric and HMAC keys, else PKCS#8 in the one form of `keys.rs`.

use std::{ops::RangeInclusive, sync::Arc};

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{KeyPlace, MaterialPlace, OwnedBytes, Reason, Response, SealedMaterialRef, SecretRef};
use kanuki_types::{KeySpec, MaterialId, Region};

use crate::{
    error::{Failed, OpError},
    keyring::Keyring,
    keys::{self, ParsedKey},
    material::{KEY_BYTES, Material},
    vault::Vault,
};

/// Generates and seals key material.
pub(super) fn create(vault: &Vault, key: &KeyPlace) -> Result<Response, OpError> {
    let (material, public_key) = match lengths(key.spec) {
        Some(lengths) => (Material::random(*lengths.start())?, None),
        None => {
            let (material, public_key) = keys::generate(key.spec)?;
            (material, Some(public_key))
        }
    };
    Ok(seal(vault, key, &material, public_key)?)
}

/// Seals given key material.
pub(super) fn insecure_seal(vault: &Vault, key: &KeyPlace, material: &SecretRef<'_>) -> Result<Response, OpError> {
    if !vault.insecure_fixed_material {
        return Err(OpError::Refused(Reason::BadRequest));
    }
    seal_given(vault, key, material.0, Reason::BadRequest)
}

/// Seals key material from outside, or refuses it with the reason if it does not fit the spec.
pub(super) fn seal_given(vault: &Vault, key: &KeyPlace, given: &[u8], misfit: Reason) -> Result<Response, OpError> {
    if let Some(lengths) = lengths(key.spec) {
        if !lengths.contains(&given.len()) {
            return Err(OpError::Refused(misfit));
        }
        return Ok(seal(vault, key, &Material::copy_of(given), None)?);
    }
    if keys::family(key.spec).is_none() {
        return Err(OpError::Refused(Reason::UnsupportedSpec));
    }
    let written = ParsedKey::parse(key.spec, given).and_then(|key| Ok((key.to_pkcs8()?, key.public_key()?)));
    let (material, public_key) = written.map_err(|Failed| OpError::Refused(misfit))?;
    Ok(seal(vault, key, &material, Some(public_key))?)
}

/// Seals the material of a multi-Region key for the copy of the key in another Region.
///
/// Nothing but the Region changes: the id is a function of key id and material, which are the same in every Region. The
/// material of a single-Region key never leaves its place, whoever asks.
pub(super) fn reseal(vault: &Vault, sealed: &SealedMaterialRef<'_>, region: &Region) -> Result<Response, OpError> {
    let SealedMaterialRef { place, blob } = sealed;
    if !place.key_id.is_multi_region() || place.region == *region {
        return Err(OpError::Refused(Reason::BadRequest));
    }
    let copy = MaterialPlace { region: region.clone(), ..place.clone() };
    let mut keyring = vault.keyring();
    let material = keyring.materials.open(&place_bytes(place), blob.0)?;
    Ok(Response::Bytes(OwnedBytes(keyring.materials.seal(&place_bytes(&copy), material.expose())?)))
}

/// Opens sealed material that is bytes.
pub(super) fn open(keyring: &mut Keyring, sealed: &SealedMaterialRef<'_>) -> Result<Material, OpError> {
    let lengths = lengths(sealed.place.spec).ok_or(OpError::Refused(Reason::UnsupportedSpec))?;
    let material = keyring.materials.open(&place_bytes(&sealed.place), sealed.blob.0)?;
    if lengths.contains(&material.expose().len()) { Ok(material) } else { Err(OpError::Failed) }
}

/// Opens and parses a sealed asymmetric key.
pub(super) fn parsed(vault: &Vault, sealed: &SealedMaterialRef<'_>) -> Result<Arc<ParsedKey>, OpError> {
    if keys::family(sealed.place.spec).is_none() {
        return Err(OpError::Refused(Reason::UnsupportedSpec));
    }
    let place = place_bytes(&sealed.place);
    let name = keys::name(&place, sealed.blob.0)?;
    let kept = vault.parsed().find(&name);
    if let Some(key) = kept {
        return Ok(key);
    }
    let material = vault.keyring().materials.open(&place, sealed.blob.0)?;
    let key = Arc::new(ParsedKey::parse(sealed.place.spec, material.expose())?);
    vault.parsed().keep(name, Arc::clone(&key));
    Ok(key)
}

/// `GetPublicKey`.
pub(super) fn public_key(vault: &Vault, sealed: &SealedMaterialRef<'_>) -> Result<Response, OpError> {
    Ok(Response::Bytes(OwnedBytes(parsed(vault, sealed)?.public_key()?)))
}

fn seal(vault: &Vault, key: &KeyPlace, material: &Material, public_key: Option<Vec<u8>>) -> Result<Response, Failed> {
    let mut keyring = vault.keyring();
    let material_id = id(&keyring, key, material)?;
    let KeyPlace { account, region, key_id, spec } = key.clone();
    let place = MaterialPlace { account, region, key_id, material_id, spec };
    let blob = OwnedBytes(keyring.materials.seal(&place_bytes(&place), material.expose())?);
    Ok(Response::Material { material_id, blob, public_key: public_key.map(OwnedBytes) })
}

fn id(keyring: &Keyring, key: &KeyPlace, material: &Material) -> Result<MaterialId, Failed> {
    let mut context = hmac::Context::with_key(keyring.material_id_key());
    // The key id has one length, so nothing is ambiguous.
    context.update(&key.key_id.to_bytes());
    context.update(material.expose());
    Ok(MaterialId::new(context.sign().as_ref().try_into().map_err(|_| Failed)?))
}

/// Lengths of material that is bytes; none for a spec whose material has a form. What is made here has the first.
///
/// HMAC: as long as the hash, and up to 1024 bits if it is imported ("Importing key material" of the AWS KMS developer
/// guide).
fn lengths(spec: KeySpec) -> Option<RangeInclusive<usize>> {
    match spec {
        KeySpec::SymmetricDefault => Some(KEY_BYTES..=KEY_BYTES),
        KeySpec::Hmac224 => Some(28..=HMAC_KEY_BYTES_MAX),
        KeySpec::Hmac256 => Some(32..=HMAC_KEY_BYTES_MAX),
        KeySpec::Hmac384 => Some(48..=HMAC_KEY_BYTES_MAX),
        KeySpec::Hmac512 => Some(64..=HMAC_KEY_BYTES_MAX),
        _ => None,
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

const HMAC_KEY_BYTES_MAX: usize = 128;
