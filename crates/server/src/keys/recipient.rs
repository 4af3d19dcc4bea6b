//! The use of key material for a recipient: what would be answered in clear leaves the keeper encrypted to it.
//!
//! Not here: whether a recipient is what it says (`recipient`). Invariants: as in `usage`; the secret of such a call is
//! never in this process.

use kanuki_keeper_protocol::{Attested, Bytes, Enveloped, KeeperError, Reason, RecipientJob};
use kanuki_types::{DataKeyPairSpec, EncryptionAlgorithm, EncryptionContext, MaterialId, Timestamp};

use super::{
    Keys,
    asymmetric::{DataKeyPair, bad_peer_key, unsupported},
    entry::KeyEntry,
    usage::{How, data_key_material, does_not_open, material_of, usable_material},
};
use crate::{authz::Proof, error::ApiError, recipient::Recipient};

impl Keys {
    /// Whether an attestation is genuine now.
    ///
    /// # Errors
    /// If the keeper fails.
    pub(crate) async fn verify_attestation(&self, attested: Attested<'_>, now: Timestamp) -> Result<bool, ApiError> {
        Ok(self.keeper.verify_attestation(attested, now).await?)
    }

    /// As [`Keys::decrypt`], for a recipient.
    ///
    /// # Errors
    /// As [`Keys::decrypt`]; `ValidationException` for a recipient without an RSA key.
    pub async fn decrypt_for(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        ciphertext: &[u8],
        how: How<'_>,
        recipient: &Recipient,
    ) -> Result<(Enveloped, Option<MaterialId>), ApiError> {
        how.check(key)?;
        let material = material_of(proof, key, ciphertext, how.algorithm)?;
        let id = how.is_symmetric().then_some(material.place.material_id);
        let aad = how.aad();
        let inner = self.unwrapped(proof, key, ciphertext, how.context).await?;
        let ciphertext = Bytes(&inner);
        let job = match how.algorithm {
            EncryptionAlgorithm::SymmetricDefault => RecipientJob::Decrypt { material, ciphertext, aad: Bytes(&aad) },
            algorithm => RecipientJob::AsymmetricDecrypt { material, algorithm, ciphertext },
        };
        Ok((self.for_recipient(recipient, job, does_not_open).await?, id))
    }

    /// As [`Keys::generate_data_key`], for a recipient. Answers ciphertext, envelope and the id of the material.
    ///
    /// # Errors
    /// As [`Keys::encrypt`]; `ValidationException` for a recipient without an RSA key.
    pub async fn generate_data_key_for(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        length: usize,
        context: &EncryptionContext,
        recipient: &Recipient,
    ) -> Result<(Vec<u8>, Vec<u8>, MaterialId), ApiError> {
        let material = data_key_material(proof, key)?;
        let (id, aad) = (material.place.material_id, context.to_aad());
        let length = u32::try_from(length).map_err(ApiError::internal)?;
        let job = RecipientJob::GenerateDataKey { material, length, aad: Bytes(&aad) };
        let made = self.for_recipient(recipient, job, ApiError::from).await?;
        let blob = made.ciphertext.ok_or_else(|| ApiError::internal("a data key has no ciphertext"))?;
        Ok((self.wrapped(proof, key, blob, context).await?, made.enveloped, id))
    }

    /// As [`Keys::generate_data_key_pair`], for a recipient. Answers the pair without its private half, and the envelope of
    /// that.
    ///
    /// # Errors
    /// As [`Keys::generate_data_key_pair`]; `ValidationException` for a recipient without an RSA key.
    pub async fn generate_data_key_pair_for(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        spec: DataKeyPairSpec,
        context: &EncryptionContext,
        recipient: &Recipient,
    ) -> Result<(DataKeyPair, Vec<u8>), ApiError> {
        let sealed = data_key_material(proof, key)?;
        let (material, aad) = (sealed.place.material_id, context.to_aad());
        let job = RecipientJob::GenerateDataKeyPair { material: sealed, spec, aad: Bytes(&aad) };
        let made = self.for_recipient(recipient, job, |error| unsupported(key, spec.as_str(), error)).await?;
        let Enveloped { enveloped, ciphertext: Some(private_key_ciphertext), public_key: Some(public_key) } = made
        else {
            return Err(ApiError::internal("a data key pair lacks a half"));
        };
        Ok((DataKeyPair { private_key_ciphertext, public_key, private_key: None, material }, enveloped))
    }

    /// As [`Keys::derive_shared_secret`], for a recipient.
    ///
    /// # Errors
    /// As [`Keys::derive_shared_secret`]; `ValidationException` for a recipient without an RSA key.
    pub async fn derive_shared_secret_for(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        peer_public_key: &[u8],
        recipient: &Recipient,
    ) -> Result<Enveloped, ApiError> {
        let material = usable_material(proof, key)?;
        let job = RecipientJob::DeriveSharedSecret { material, peer_public_key: Bytes(peer_public_key) };
        self.for_recipient(recipient, job, bad_peer_key).await
    }

    /// As [`Keys::generate_random`], for a recipient.
    ///
    /// # Errors
    /// If the keeper fails; `ValidationException` for a recipient without an RSA key.
    pub async fn generate_random_for(&self, length: usize, recipient: &Recipient) -> Result<Enveloped, ApiError> {
        let length = u32::try_from(length).map_err(ApiError::internal)?;
        self.for_recipient(recipient, RecipientJob::GenerateRandom { length }, ApiError::from).await
    }

    async fn for_recipient(
        &self,
        recipient: &Recipient,
        job: RecipientJob<'_>,
        other: impl FnOnce(KeeperError) -> ApiError,
    ) -> Result<Enveloped, ApiError> {
        let enveloped = self.keeper.for_recipient(recipient.public_key(), job).await;
        enveloped.map_err(|error| match error {
            KeeperError::Refused(Reason::BadRecipient) => {
                ApiError::validation("The public key of the attestation document is no RSA key of 2048 to 4096 bits.")
            }
            error => other(error),
        })
    }
}
