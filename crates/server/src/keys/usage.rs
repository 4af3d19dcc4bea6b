//! The use of key material: every call goes to the keeper, and only with a proof for the key.
//!
//! Invariant: the key that is used is the key that was authorized.

use std::borrow::Cow;

use kanuki_keeper_protocol::{CiphertextHeader, KeeperError, NewMaterial, Reason, SealedMaterialRef};
use kanuki_types::{EncryptionAlgorithm, EncryptionContext, KeyArn, KeySpec, KeyUsage, MaterialId, SecretBytes};

use super::{
    Keys,
    asymmetric::incompatible,
    entry::KeyEntry,
    specs::{encryption_algorithms, plaintext_bytes_max},
    state::{USABLE, check_state},
};
use crate::{
    authz::Proof,
    custom_key_stores::OuterBlob,
    error::{ApiError, ErrorCode},
};

impl Keys {
    /// Makes the first version of a new key's material.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn create_material(&self, arn: &KeyArn, spec: KeySpec) -> Result<NewMaterial, ApiError> {
        let made = self.keeper.create_material(arn.account, &arn.region, arn.key_id, spec).await;
        made.map_err(|error| match error {
            KeeperError::Refused(Reason::UnsupportedSpec) => {
                ApiError::new(ErrorCode::UnsupportedOperation, format!("KeySpec {spec} is not supported."))
            }
            other => other.into(),
        })
    }

    /// Encrypts under the current material.
    ///
    /// # Errors
    /// `InvalidKeyUsageException` or `ValidationException` for what the key does not encrypt so; by the state of the key;
    /// or if the keeper fails.
    pub async fn encrypt(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        plaintext: &SecretBytes,
        how: How<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        how.check(key)?;
        how.check_plaintext(key, plaintext.len())?;
        let material = usable_material(proof, key)?;
        match how.algorithm {
            EncryptionAlgorithm::SymmetricDefault => {
                let blob = self.keeper.encrypt(material, plaintext, &how.context.to_aad()).await?;
                self.wrapped(proof, key, blob, how.context).await
            }
            algorithm => Ok(self.keeper.asymmetric_encrypt(material, algorithm, plaintext).await?),
        }
    }

    /// Opens a ciphertext with the material that its header names, or a headless one with the key's only material.
    ///
    /// # Errors
    /// `InvalidCiphertextException` if it does not open; else as [`Keys::encrypt`].
    pub async fn decrypt(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        ciphertext: &[u8],
        how: How<'_>,
    ) -> Result<(SecretBytes, Option<MaterialId>), ApiError> {
        how.check(key)?;
        let material = material_of(proof, key, ciphertext, how.algorithm)?;
        let id = how.is_symmetric().then_some(material.place.material_id);
        let opened = match how.algorithm {
            EncryptionAlgorithm::SymmetricDefault => {
                let inner = self.unwrapped(proof, key, ciphertext, how.context).await?;
                self.keeper.decrypt(material, &inner, &how.context.to_aad()).await
            }
            algorithm => self.keeper.asymmetric_decrypt(material, algorithm, ciphertext).await,
        };
        Ok((opened.map_err(does_not_open)?, id))
    }

    /// Opens a ciphertext and encrypts what was in it, all inside the keeper. Answers the ciphertext and, of symmetric
    /// keys, the ids of the material that opened and the material that encrypted.
    ///
    /// # Errors
    /// As [`Keys::decrypt`] and [`Keys::encrypt`].
    pub async fn re_encrypt(
        &self,
        proof: &Proof,
        source: (&KeyEntry, &[u8], How<'_>),
        destination: (&KeyEntry, How<'_>),
    ) -> Result<(Vec<u8>, Option<MaterialId>, Option<MaterialId>), ApiError> {
        let (source_key, ciphertext, source_how) = source;
        let (destination_key, destination_how) = destination;
        source_how.check(source_key)?;
        destination_how.check(destination_key)?;
        let from = material_of(proof, source_key, ciphertext, source_how.algorithm)?;
        let to = usable_material(proof, destination_key)?;
        let from_id = source_how.is_symmetric().then_some(from.place.material_id);
        let to_id = destination_how.is_symmetric().then_some(to.place.material_id);
        let (from_aad, to_aad) = (source_how.aad(), destination_how.aad());
        let (from_algorithm, to_algorithm) = (source_how.algorithm, destination_how.algorithm);
        let ciphertext = self.unwrapped(proof, source_key, ciphertext, source_how.context).await?;
        let moved = self
            .keeper
            .re_encrypt_with(from, from_algorithm, &ciphertext, &from_aad, to, to_algorithm, &to_aad)
            .await
            .map_err(|error| match error {
                // What was opened does not fit under the other key.
                KeeperError::Refused(Reason::TooLarge) => destination_how
                    .too_large(destination_key, plaintext_bytes_max(destination_key.record().spec, to_algorithm)),
                other => does_not_open(other),
            })?;
        let moved = self.wrapped(proof, destination_key, moved, destination_how.context).await?;
        Ok((moved, from_id, to_id))
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
        let blob = self.wrapped(proof, key, blob, context).await?;
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
        let blob = self.wrapped(proof, key, blob, context).await?;
        Ok((blob, id))
    }

    /// A ciphertext of the keeper's as it is answered: with the layer of a custom key store, if the key is in one.
    pub(super) async fn wrapped(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        blob: Vec<u8>,
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, ApiError> {
        if key.record().outside.is_none() {
            return Ok(blob);
        }
        self.outside.wrap(proof.outside_call()?, key, &blob, context).await
    }

    /// A ciphertext as the keeper takes it.
    pub(super) async fn unwrapped<'a>(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        blob: &'a [u8],
        context: &EncryptionContext,
    ) -> Result<Cow<'a, [u8]>, ApiError> {
        if key.record().outside.is_none() {
            return Ok(blob.into());
        }
        Ok(self.outside.unwrap(proof.outside_call()?, key, blob, context).await?.into())
    }

    /// Random bytes from the keeper's generator.
    ///
    /// # Errors
    /// If the keeper fails.
    pub async fn generate_random(&self, length: usize) -> Result<SecretBytes, ApiError> {
        Ok(self.keeper.generate_random(length).await?)
    }
}

/// How something is encrypted, or was.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// By which algorithm.
    pub algorithm: EncryptionAlgorithm,
    /// With which context; empty for all but the symmetric algorithm.
    pub context: &'a EncryptionContext,
}

impl How<'_> {
    /// The additional data; only the symmetric algorithm takes any.
    pub(super) fn aad(self) -> Vec<u8> {
        if self.is_symmetric() { self.context.to_aad() } else { Vec::new() }
    }

    pub(super) fn is_symmetric(self) -> bool {
        self.algorithm == EncryptionAlgorithm::SymmetricDefault
    }

    /// Checks that a key encrypts so.
    pub(super) fn check(self, key: &KeyEntry) -> Result<(), ApiError> {
        if !encryption_algorithms(key.record().spec).contains(&self.algorithm) {
            return Err(incompatible(self.algorithm.as_str(), key));
        }
        if !self.is_symmetric() && !self.context.is_empty() {
            let message = format!("EncryptionContext is not supported with algorithm {}.", self.algorithm);
            return Err(ApiError::validation(message));
        }
        Ok(())
    }

    fn check_plaintext(self, key: &KeyEntry, length: usize) -> Result<(), ApiError> {
        let max = plaintext_bytes_max(key.record().spec, self.algorithm);
        if max.is_some_and(|max| length > max) { Err(self.too_large(key, max)) } else { Ok(()) }
    }

    fn too_large(self, key: &KeyEntry, max: Option<usize>) -> ApiError {
        ApiError::validation(format!(
            "Algorithm {} and key spec {} cannot encrypt data larger than {} bytes.",
            self.algorithm,
            key.record().spec,
            max.unwrap_or(SYMMETRIC_PLAINTEXT_BYTES_MAX)
        ))
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
pub(super) fn usable_material<'a>(proof: &Proof, key: &'a KeyEntry) -> Result<SealedMaterialRef<'a>, ApiError> {
    proof.covers(key.arn())?;
    check_state(key, USABLE)?;
    key.current_material().ok_or_else(|| ApiError::internal("a usable key has no material"))
}

pub(super) fn data_key_material<'a>(proof: &Proof, key: &'a KeyEntry) -> Result<SealedMaterialRef<'a>, ApiError> {
    if key.record().spec != KeySpec::SymmetricDefault {
        let message = "You cannot generate a data key with an asymmetric CMK";
        return Err(ApiError::new(ErrorCode::InvalidKeyUsage, message));
    }
    usable_material(proof, key)
}

/// The version of a key's material that made a ciphertext.
pub(super) fn material_of<'a>(
    proof: &Proof,
    key: &'a KeyEntry,
    ciphertext: &[u8],
    algorithm: EncryptionAlgorithm,
) -> Result<SealedMaterialRef<'a>, ApiError> {
    if algorithm != EncryptionAlgorithm::SymmetricDefault {
        return usable_material(proof, key);
    }
    proof.covers(key.arn())?;
    check_state(key, USABLE)?;
    // Without its outer layer a ciphertext would open for whoever sees what is inside: the format is the key's own.
    let header = match key.record().outside {
        Some(_) => OuterBlob::parse(ciphertext).map(|outer| outer.key),
        None => CiphertextHeader::parse(ciphertext),
    };
    let material = header.and_then(|header| key.material(&header.material_id));
    material.ok_or_else(|| ApiError::bare(ErrorCode::InvalidCiphertext))
}

pub(super) fn does_not_open(error: KeeperError) -> ApiError {
    match error {
        KeeperError::Failed | KeeperError::Refused(Reason::BadRequest | Reason::TooLarge) => {
            ApiError::bare(ErrorCode::InvalidCiphertext)
        }
        other => other.into(),
    }
}

/// Rule: `Plaintext` of the Encrypt API page.
const SYMMETRIC_PLAINTEXT_BYTES_MAX: usize = 4096;
