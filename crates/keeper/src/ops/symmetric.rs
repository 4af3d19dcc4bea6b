//! Encryption of user data under `SYMMETRIC_DEFAULT` keys.
//!
//! Not here: the layout of the blob (the protocol crate's `ciphertext.rs`).
//! Rule: "Cryptographic details" of the AWS KMS developer guide: per call a random nonce, a key by SP 800-108 from the
//! key material, AES-256-GCM with the encryption context as additional data.
//! Invariants: every call has a fresh key; the header is authenticated as a whole; a blob opens under one key only,
//! because the key derivation also yields a commitment that is compared before the tag.
//!
//! Derivation: label, then as context the first 73 bytes of the header (format, suite, account, key id, material id,
//! nonce; all of fixed length); 64 bytes come out, first the AES key, then the commitment. The commitment is a second
//! block of the same HMAC-SHA-256, so two keys with one commitment would be a collision.
//! Additional data of AES-GCM: the 136 bytes of the header with the GCM nonce as zeros (the module chooses it while it
//! seals; the tag depends on it anyway), then the caller's.

use kanuki_keeper_protocol::{
    CIPHERTEXT_OVERHEAD, COMMITMENT_BYTES, CiphertextHeader, CiphertextParts, DERIVATION_PREFIX_BYTES, GCM_NONCE_BYTES,
    GENERATED_BYTES_MAX, HEADER_BYTES, HeaderFields, KDF_NONCE_BYTES, MaterialPlace, OwnedBytes, PLAINTEXT_BYTES_MAX,
    Reason, Response, SealedMaterialRef, Secret, SecretRef,
};
use kanuki_types::KeySpec;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::material;
use crate::{
    aead::AeadKey,
    error::{Failed, OpError},
    kdf::{self, Label},
    material::{KEY_BYTES, Material},
    vault::Vault,
};

/// `Encrypt`.
pub(super) fn encrypt(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    plaintext: &SecretRef<'_>,
    aad: &[u8],
) -> Result<Response, OpError> {
    Ok(Response::Bytes(OwnedBytes(seal(vault, sealed, plaintext.0, aad)?)))
}

/// `Decrypt`.
pub(super) fn decrypt(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Response, OpError> {
    Ok(Response::Secret(Secret(open(vault, sealed, ciphertext, aad)?.into_secret())))
}

/// `GenerateDataKey` and `GenerateDataKeyWithoutPlaintext`.
pub(super) fn generate_data_key(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    length: u32,
    aad: &[u8],
    plaintext: bool,
) -> Result<Response, OpError> {
    let data_key = super::random::material(length)?;
    let bytes = OwnedBytes(seal(vault, sealed, data_key.expose(), aad)?);
    Ok(if plaintext {
        Response::BytesAndSecret { bytes, secret: Secret(data_key.into_secret()) }
    } else {
        Response::Bytes(bytes)
    })
}

/// Encrypts under sealed material.
pub(super) fn seal(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    plaintext: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, OpError> {
    check_spec(sealed)?;
    if plaintext.len() > PLAINTEXT_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let (material, nonce) = {
        let mut keyring = vault.keyring();
        (material::open(&mut keyring, sealed)?, keyring.nonces.draw()?)
    };
    Ok(seal_under(&material, &sealed.place, nonce, plaintext, aad)?)
}

/// Decrypts under sealed material.
pub(super) fn open(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Material, OpError> {
    check_spec(sealed)?;
    if ciphertext.len() > PLAINTEXT_BYTES_MAX + CIPHERTEXT_OVERHEAD {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let material = material::open(&mut vault.keyring(), sealed)?;
    Ok(open_under(&material, &sealed.place, ciphertext, aad)?)
}

/// An HMAC key is bytes too, and no key for this.
pub(super) fn check_spec(sealed: &SealedMaterialRef<'_>) -> Result<(), OpError> {
    match sealed.place.spec {
        KeySpec::SymmetricDefault => Ok(()),
        _ => Err(OpError::Refused(Reason::UnsupportedSpec)),
    }
}

fn seal_under(
    material: &Material,
    place: &MaterialPlace,
    kdf_nonce: [u8; KDF_NONCE_BYTES],
    plaintext: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, Failed> {
    let prefix = named_by(place).derivation_prefix(&kdf_nonce);
    let derived = Derived::new(material, &prefix)?;
    let header = HeaderFields {
        derivation_prefix: &prefix,
        gcm_nonce: &[0; GCM_NONCE_BYTES],
        commitment: derived.commitment()?,
        plaintext_length: u32::try_from(plaintext.len()).map_err(|_| Failed)?,
    }
    .to_bytes();
    // Wiped if sealing fails half way; the blob is taken out when it is sealed.
    let mut blob = Zeroizing::new(Vec::with_capacity(plaintext.len() + CIPHERTEXT_OVERHEAD));
    blob.extend_from_slice(&header);
    blob.extend_from_slice(plaintext);
    let (front, body) = blob.split_first_chunk_mut::<HEADER_BYTES>().ok_or(Failed)?;
    let (gcm_nonce, tag) = derived.key()?.seal_in_place(&additional_data(&header, aad), body)?;
    let (_, rest) = front.split_first_chunk_mut::<DERIVATION_PREFIX_BYTES>().ok_or(Failed)?;
    let (slot, _) = rest.split_first_chunk_mut::<GCM_NONCE_BYTES>().ok_or(Failed)?;
    *slot = gcm_nonce;
    blob.extend_from_slice(&tag);
    Ok(std::mem::take(&mut *blob))
}

fn open_under(material: &Material, place: &MaterialPlace, blob: &[u8], aad: &[u8]) -> Result<Material, Failed> {
    let parts = CiphertextParts::parse(blob).ok_or(Failed)?;
    if parts.key != named_by(place) {
        return Err(Failed);
    }
    let derived = Derived::new(material, parts.derivation_prefix)?;
    if !bool::from(derived.commitment()?.ct_eq(parts.commitment)) {
        return Err(Failed);
    }
    let header = HeaderFields {
        derivation_prefix: parts.derivation_prefix,
        gcm_nonce: &[0; GCM_NONCE_BYTES],
        commitment: parts.commitment,
        plaintext_length: parts.plaintext_length,
    }
    .to_bytes();
    derived.key()?.open(*parts.gcm_nonce, &additional_data(&header, aad), parts.sealed)
}

/// What one call derives: the AES key and the commitment to it.
struct Derived(Zeroizing<[u8; KEY_BYTES + COMMITMENT_BYTES]>);

impl Derived {
    fn new(material: &Material, prefix: &[u8; DERIVATION_PREFIX_BYTES]) -> Result<Self, Failed> {
        let mut out = Zeroizing::new([0; KEY_BYTES + COMMITMENT_BYTES]);
        kdf::derive(material.expose(), Label::SymmetricCall, prefix, out.as_mut_slice())?;
        Ok(Self(out))
    }

    fn key(&self) -> Result<AeadKey, Failed> {
        AeadKey::new(self.0.first_chunk().ok_or(Failed)?)
    }

    fn commitment(&self) -> Result<&[u8; COMMITMENT_BYTES], Failed> {
        self.0.last_chunk().ok_or(Failed)
    }
}

fn named_by(place: &MaterialPlace) -> CiphertextHeader {
    CiphertextHeader { account: place.account, key_id: place.key_id, material_id: place.material_id }
}

fn additional_data(header: &[u8; HEADER_BYTES], aad: &[u8]) -> Vec<u8> {
    [header.as_slice(), aad].concat()
}

const _: () = assert!(GENERATED_BYTES_MAX <= PLAINTEXT_BYTES_MAX);

#[cfg(test)]
mod tests;
