//! The use of key material: every call goes to the keeper, and only with a proof for the key.
//!
//! Invariant: the key that is used is the key that was authorized.

use kanuki_keeper_protocol::{CiphertextHeader, KeeperError, SealedMaterialRef};
use kanuki_types::{EncryptionContext, KeyArn, KeySpec, KeyUsage, MaterialId, SecretBytes};

use super::{
    Keys,
    entry::KeyEntry,
    state::{USABLE, check_state},
};
use crate::{
    authz::Proof,
    error::{ApiError, ErrorCode},
};

impl Keys {
    /// Makes the first version of a new key's material.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn create_material(&self, arn: &KeyArn, spec: KeySpec) -> Result<(MaterialId, Vec<u8>), ApiError> {
        let material = self.keeper.create_material(arn.account, &arn.region, arn.key_id, spec).await?;
        Ok((material.id, material.sealed))
    }

    /// Encrypts under the current material.
    ///
    /// # Errors
    /// By the state of the key, or if the keeper fails.
    pub async fn encrypt(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        plaintext: &SecretBytes,
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, ApiError> {
        let material = usable_material(proof, key)?;
        Ok(self.keeper.encrypt(material, plaintext, &context.to_aad()).await?)
    }

    /// Opens a ciphertext with the material that its header names.
    ///
    /// # Errors
    /// `InvalidCiphertextException` if it does not open; by the state of the key; or if the keeper fails.
    pub async fn decrypt(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<(SecretBytes, MaterialId), ApiError> {
        let material = material_of(proof, key, ciphertext)?;
        let id = material.place.material_id;
        let plaintext = self.keeper.decrypt(material, ciphertext, &context.to_aad()).await.map_err(does_not_open)?;
        Ok((plaintext, id))
    }

    /// Opens a ciphertext and encrypts what was in it, all inside the keeper. Answers the ciphertext and the ids of the
    /// material that opened and the material that encrypted.
    ///
    /// # Errors
    /// As [`Keys::decrypt`] and [`Keys::encrypt`].
    pub async fn re_encrypt(
        &self,
        proof: &Proof,
        source: (&KeyEntry, &[u8], &EncryptionContext),
        destination: (&KeyEntry, &EncryptionContext),
    ) -> Result<(Vec<u8>, MaterialId, MaterialId), ApiError> {
        let (source_key, ciphertext, source_context) = source;
        let (destination_key, destination_context) = destination;
        let from = material_of(proof, source_key, ciphertext)?;
        let to = usable_material(proof, destination_key)?;
        let (from_id, to_id) = (from.place.material_id, to.place.material_id);
        let (from_aad, to_aad) = (source_context.to_aad(), destination_context.to_aad());
        let blob = self.keeper.re_encrypt(from, ciphertext, &from_aad, to, &to_aad).await.map_err(does_not_open)?;
        Ok((blob, from_id, to_id))
    }

    /// Makes a data key and encrypts it. Answers ciphertext, plaintext and the id of the material that encrypted.
    ///
    /// # Errors
    /// As [`Keys::encrypt`].
    pub async fn generate_data_key(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        length: usize,
        context: &EncryptionContext,
    ) -> Result<(Vec<u8>, SecretBytes, MaterialId), ApiError> {
        let material = data_key_material(proof, key)?;
        let id = material.place.material_id;
        let (blob, plaintext) = self.keeper.generate_data_key(material, length, &context.to_aad()).await?;
        Ok((blob, plaintext, id))
    }

    /// Makes a data key whose plaintext never leaves the keeper.
    ///
    /// # Errors
    /// As [`Keys::encrypt`].
    pub async fn generate_data_key_without_plaintext(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        length: usize,
        context: &EncryptionContext,
    ) -> Result<(Vec<u8>, MaterialId), ApiError> {
        let material = data_key_material(proof, key)?;
        let id = material.place.material_id;
        let blob = self.keeper.generate_data_key_without_plaintext(material, length, &context.to_aad()).await?;
        Ok((blob, id))
    }

    /// Random bytes from the keeper's generator.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn generate_random(&self, length: usize) -> Result<SecretBytes, ApiError> {
        Ok(self.keeper.generate_random(length).await?)
    }
}

/// Checks that a key is for encryption.
///
/// # Errors
/// `InvalidKeyUsageException`.
pub(crate) fn check_usage(key: &KeyEntry, usage: KeyUsage, operation: &str) -> Result<(), ApiError> {
    if key.record().usage == usage {
        return Ok(());
    }
    let message = format!("{} key usage is {} which is not valid for {operation}.", key.arn_text(), key.record().usage);
    Err(ApiError::new(ErrorCode::InvalidKeyUsage, message))
}

/// The current material of a key that may be used now.
fn usable_material<'a>(proof: &Proof, key: &'a KeyEntry) -> Result<SealedMaterialRef<'a>, ApiError> {
    proof.covers(key.arn())?;
    check_state(key, USABLE)?;
    key.current_material().ok_or_else(|| ApiError::internal("a usable key has no material"))
}

fn data_key_material<'a>(proof: &Proof, key: &'a KeyEntry) -> Result<SealedMaterialRef<'a>, ApiError> {
    if key.record().spec != KeySpec::SymmetricDefault {
        let message = "You cannot generate a data key with an asymmetric CMK";
        return Err(ApiError::new(ErrorCode::InvalidKeyUsage, message));
    }
    usable_material(proof, key)
}

/// The version of a key's material that made a ciphertext.
fn material_of<'a>(proof: &Proof, key: &'a KeyEntry, ciphertext: &[u8]) -> Result<SealedMaterialRef<'a>, ApiError> {
    proof.covers(key.arn())?;
    check_state(key, USABLE)?;
    let header = CiphertextHeader::parse(ciphertext);
    let material = header.and_then(|header| key.material(&header.material_id));
    material.ok_or_else(|| ApiError::bare(ErrorCode::InvalidCiphertext))
}

fn does_not_open(error: KeeperError) -> ApiError {
    match error {
        KeeperError::Failed => ApiError::bare(ErrorCode::InvalidCiphertext),
        other => other.into(),
    }
}
