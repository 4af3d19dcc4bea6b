//! The use of key material that is not for symmetric encryption: signatures, MACs, agreement, encapsulation, key pairs.
//!
//! Invariant: as in `usage`, every call needs a proof for the key, and the key's state is checked before the keeper is
//! asked.

use kanuki_keeper_protocol::{KeeperError, Reason};
use kanuki_types::{
    DataKeyPairSpec, EncryptionContext, MacAlgorithm, MaterialId, MessageType, SecretBytes, SigningAlgorithm,
};

use super::{
    Keys,
    entry::KeyEntry,
    specs::{digest_bytes, mac_algorithms, signing_algorithms, takes},
    usage::{data_key_material, usable_material},
};
use crate::{
    authz::Proof,
    error::{ApiError, ErrorCode},
};

/// What is signed, or was.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// By which algorithm.
    pub algorithm: SigningAlgorithm,
    /// Whether the message is one, or is hashed already.
    pub message_type: MessageType,
    /// The message.
    pub message: &'a [u8],
}

/// A data key pair: the private half in clear only if it was asked for.
#[derive(Debug)]
pub struct DataKeyPair {
    /// The private half, encrypted under the KMS key.
    pub private_key_ciphertext: Vec<u8>,
    /// The public half, as SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// The private half, as PKCS#8.
    pub private_key: Option<SecretBytes>,
    /// The material that encrypted the private half.
    pub material: MaterialId,
}

impl Keys {
    /// Signs.
    ///
    /// # Errors
    /// `InvalidKeyUsageException` or `ValidationException` for what the key does not sign; by the state of the key; or if
    /// the keeper fails.
    pub async fn sign(&self, proof: &Proof, key: &KeyEntry, what: Signable<'_>) -> Result<Vec<u8>, ApiError> {
        check_signable(key, what)?;
        let material = usable_material(proof, key)?;
        let signed = self.keeper.sign(material, what.algorithm, what.message_type, what.message).await;
        signed.map_err(|error| unsupported(key, what.algorithm.as_str(), error))
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// As [`Keys::sign`]; and `KMSInvalidSignatureException` if it does not verify.
    pub async fn verify(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        what: Signable<'_>,
        signature: &[u8],
    ) -> Result<(), ApiError> {
        check_signable(key, what)?;
        let material = usable_material(proof, key)?;
        let verified = self.keeper.verify(material, what.algorithm, what.message_type, what.message, signature).await;
        if verified.map_err(|error| unsupported(key, what.algorithm.as_str(), error))? {
            Ok(())
        } else {
            Err(ApiError::bare(ErrorCode::InvalidSignatureOfMessage))
        }
    }

    /// Makes a message authentication code.
    ///
    /// # Errors
    /// `InvalidKeyUsageException` for another algorithm than the key's; by the state of the key; or if the keeper fails.
    pub async fn mac(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, ApiError> {
        check_mac_algorithm(key, algorithm)?;
        Ok(self.keeper.mac(usable_material(proof, key)?, algorithm, message).await?)
    }

    /// Verifies a message authentication code.
    ///
    /// # Errors
    /// As [`Keys::mac`]; and `KMSInvalidMacException` if it does not verify.
    pub async fn verify_mac(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<(), ApiError> {
        check_mac_algorithm(key, algorithm)?;
        if self.keeper.verify_mac(usable_material(proof, key)?, algorithm, message, mac).await? {
            Ok(())
        } else {
            Err(ApiError::bare(ErrorCode::InvalidMac))
        }
    }

    /// Derives a secret that the owner of the other key pair derives too.
    ///
    /// # Errors
    /// `ValidationException` for a public key that is malformed or of another curve; by the state of the key; or if the
    /// keeper fails.
    pub async fn derive_shared_secret(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        peer_public_key: &[u8],
    ) -> Result<SecretBytes, ApiError> {
        let derived = self.keeper.derive_shared_secret(usable_material(proof, key)?, peer_public_key).await;
        derived.map_err(bad_peer_key)
    }

    /// Makes a shared secret and encapsulates it for the key.
    ///
    /// # Errors
    /// By the state of the key, or if the keeper fails.
    pub async fn encapsulate(&self, proof: &Proof, key: &KeyEntry) -> Result<(Vec<u8>, SecretBytes), ApiError> {
        Ok(self.keeper.encapsulate(usable_material(proof, key)?).await?)
    }

    /// Opens an encapsulated secret.
    ///
    /// # Errors
    /// `InvalidCiphertextException` if it is none; by the state of the key; or if the keeper fails.
    pub async fn decapsulate(&self, proof: &Proof, key: &KeyEntry, ciphertext: &[u8]) -> Result<SecretBytes, ApiError> {
        let opened = self.keeper.decapsulate(usable_material(proof, key)?, ciphertext).await;
        opened.map_err(|error| match error {
            KeeperError::Failed | KeeperError::Refused(Reason::BadRequest | Reason::TooLarge) => {
                ApiError::bare(ErrorCode::InvalidCiphertext)
            }
            other => other.into(),
        })
    }

    /// Makes a key pair whose private half is encrypted under a symmetric key.
    ///
    /// # Errors
    /// By the kind and state of the key, `UnsupportedOperationException` for a pair that is not served, or if the keeper
    /// fails.
    pub async fn generate_data_key_pair(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        spec: DataKeyPairSpec,
        context: &EncryptionContext,
        with_plaintext: bool,
    ) -> Result<DataKeyPair, ApiError> {
        let material = data_key_material(proof, key)?;
        let id = material.place.material_id;
        let made = self.keeper.generate_data_key_pair(material, spec, &context.to_aad(), with_plaintext).await;
        let (private_key_ciphertext, public_key, private_key) =
            made.map_err(|error| unsupported(key, spec.as_str(), error))?;
        Ok(DataKeyPair { private_key_ciphertext, public_key, private_key, material: id })
    }
}

fn check_signable(key: &KeyEntry, what: Signable<'_>) -> Result<(), ApiError> {
    if !signing_algorithms(key.record().spec).contains(&what.algorithm) {
        return Err(incompatible(what.algorithm.as_str(), key));
    }
    if !takes(what.algorithm, what.message_type) {
        let message = format!("Algorithm {} does not take messages of type {}.", what.algorithm, what.message_type);
        return Err(ApiError::validation(message));
    }
    match digest_bytes(what.algorithm, what.message_type) {
        Some(length) if length != what.message.len() => {
            Err(ApiError::validation(format!("Digest is invalid length for algorithm {}.", what.algorithm)))
        }
        _ => Ok(()),
    }
}

fn check_mac_algorithm(key: &KeyEntry, algorithm: MacAlgorithm) -> Result<(), ApiError> {
    if mac_algorithms(key.record().spec).contains(&algorithm) {
        Ok(())
    } else {
        Err(incompatible(algorithm.as_str(), key))
    }
}

/// The refusal of an algorithm that is not one of the key's.
pub(super) fn incompatible(algorithm: &str, key: &KeyEntry) -> ApiError {
    let message = format!("Algorithm {algorithm} is incompatible with key spec {}.", key.record().spec);
    ApiError::new(ErrorCode::InvalidKeyUsage, message)
}

/// A public key that is malformed or of another curve.
pub(super) fn bad_peer_key(error: KeeperError) -> ApiError {
    match error {
        KeeperError::Refused(Reason::BadPeerKey) | KeeperError::Failed => ApiError::bare(ErrorCode::Validation),
        other => other.into(),
    }
}

/// What the keeper's library does not offer is answered as unsupported, not as broken.
pub(super) fn unsupported(key: &KeyEntry, what: &str, error: KeeperError) -> ApiError {
    match error {
        KeeperError::Refused(Reason::UnsupportedAlgorithm | Reason::UnsupportedSpec) => {
            let message = format!("{what} is not supported for {}.", key.arn_text());
            ApiError::new(ErrorCode::UnsupportedOperation, message)
        }
        other => other.into(),
    }
}
