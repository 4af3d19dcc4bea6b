//! The client's calls on keys that are not symmetric: signatures, MACs, RSA, agreement, encapsulation, data key pairs.
//!
//! Not here: import (`import.rs`).
//! Invariant: as of the client; a refusal of an algorithm comes before any primitive runs.

use kanuki_types::{DataKeyPairSpec, EncryptionAlgorithm, MacAlgorithm, MessageType, SecretBytes, SigningAlgorithm};

use super::{Client, unexpected};
use crate::{Bytes, KeeperError, Request, Response, SealedMaterialRef, SecretRef};

impl Client {
    /// The public half of an asymmetric key: SubjectPublicKeyInfo of RFC 5280, in DER.
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedSpec`] for a key that has none.
    pub async fn public_key(&self, material: SealedMaterialRef<'_>) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::PublicKey { material }).await
    }

    /// Signs up to [`crate::MESSAGE_BYTES_MAX`] bytes. ECDSA signatures are in DER, the others raw.
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedAlgorithm`] if algorithm or message type are not the spec's;
    /// [`crate::Reason::BadRequest`] if a digest has another length than the algorithm's.
    pub async fn sign(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::Sign { material, algorithm, message_type, message: Bytes(message) }).await
    }

    /// Whether a signature is good.
    ///
    /// # Errors
    /// As [`Client::sign`]; a signature that is not good, for whatever reason, is no error.
    pub async fn verify(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, KeeperError> {
        let (message, signature) = (Bytes(message), Bytes(signature));
        self.verdict(&Request::Verify { material, algorithm, message_type, message, signature }).await
    }

    /// The MAC of up to [`crate::MESSAGE_BYTES_MAX`] bytes, at the full length of its hash.
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedAlgorithm`] if the algorithm is not the spec's.
    pub async fn mac(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::Mac { material, algorithm, message: Bytes(message) }).await
    }

    /// Whether a MAC is good; compared in constant time.
    ///
    /// # Errors
    /// As [`Client::mac`].
    pub async fn verify_mac(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<bool, KeeperError> {
        self.verdict(&Request::VerifyMac { material, algorithm, message: Bytes(message), mac: Bytes(mac) }).await
    }

    /// Encrypts under an RSA key: at most modulus length − 2 × hash length − 2 bytes (RFC 8017, section 7.1.1).
    ///
    /// # Errors
    /// [`crate::Reason::TooLarge`] if the plaintext is longer, [`crate::Reason::UnsupportedAlgorithm`] if the algorithm
    /// is not the spec's.
    pub async fn asymmetric_encrypt(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: EncryptionAlgorithm,
        plaintext: &SecretBytes,
    ) -> Result<Vec<u8>, KeeperError> {
        let plaintext = SecretRef(plaintext.expose());
        self.bytes(&Request::AsymmetricEncrypt { material, algorithm, plaintext }).await
    }

    /// Decrypts under an RSA key.
    ///
    /// # Errors
    /// [`KeeperError::Failed`] if it does not open, [`crate::Reason::UnsupportedAlgorithm`] if the algorithm is not the
    /// spec's.
    pub async fn asymmetric_decrypt(
        &self,
        material: SealedMaterialRef<'_>,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeeperError> {
        self.secret(&Request::AsymmetricDecrypt { material, algorithm, ciphertext: Bytes(ciphertext) }).await
    }

    /// Decrypts under one key and encrypts under another, each symmetric or RSA; the plaintext stays in the keeper.
    /// Additional data is for symmetric keys only.
    ///
    /// # Errors
    /// As [`Client::decrypt`] and [`Client::encrypt`], or [`Client::asymmetric_decrypt`] and
    /// [`Client::asymmetric_encrypt`]; [`crate::Reason::BadRequest`] for additional data beside an RSA key.
    #[expect(clippy::too_many_arguments, reason = "two keys, each with its algorithm and additional data")]
    pub async fn re_encrypt_with(
        &self,
        source: SealedMaterialRef<'_>,
        source_algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
        source_aad: &[u8],
        destination: SealedMaterialRef<'_>,
        destination_algorithm: EncryptionAlgorithm,
        destination_aad: &[u8],
    ) -> Result<Vec<u8>, KeeperError> {
        self.bytes(&Request::ReEncrypt {
            source,
            source_algorithm,
            ciphertext: Bytes(ciphertext),
            source_aad: Bytes(source_aad),
            destination,
            destination_algorithm,
            destination_aad: Bytes(destination_aad),
        })
        .await
    }

    /// The x-coordinate that this key and the peer's share (SP 800-56A, section 5.7.1.2), as long as the curve's field:
    /// 32, 48 or 66 bytes. The peer's key is SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`crate::Reason::BadPeerKey`] if the peer's key is malformed or of another curve,
    /// [`crate::Reason::UnsupportedSpec`] for a spec without agreement.
    pub async fn derive_shared_secret(
        &self,
        material: SealedMaterialRef<'_>,
        peer_public_key: &[u8],
    ) -> Result<SecretBytes, KeeperError> {
        self.secret(&Request::DeriveSharedSecret { material, peer_public_key: Bytes(peer_public_key) }).await
    }

    /// Makes a shared secret of 32 bytes under the key's own public half; answers its ciphertext and itself (FIPS 203).
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedSpec`] unless the key is an ML-KEM key.
    pub async fn encapsulate(&self, material: SealedMaterialRef<'_>) -> Result<(Vec<u8>, SecretBytes), KeeperError> {
        self.bytes_and_secret(&Request::Encapsulate { material }).await
    }

    /// The shared secret of a ciphertext. One that was tampered with gives another secret, as FIPS 203 has it; one of
    /// another length fails.
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedSpec`] unless the key is an ML-KEM key.
    pub async fn decapsulate(
        &self,
        material: SealedMaterialRef<'_>,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KeeperError> {
        self.secret(&Request::Decapsulate { material, ciphertext: Bytes(ciphertext) }).await
    }

    /// Makes a key pair. Answers the private half (PKCS#8 in DER) encrypted as by [`Client::encrypt`], the public half
    /// (SubjectPublicKeyInfo in DER) and, if asked for, the private half itself.
    ///
    /// # Errors
    /// [`crate::Reason::UnsupportedSpec`] if the pair is not implemented or the key not symmetric,
    /// [`crate::Reason::Busy`] if too much slow work waits.
    pub async fn generate_data_key_pair(
        &self,
        material: SealedMaterialRef<'_>,
        spec: DataKeyPairSpec,
        aad: &[u8],
        with_plaintext: bool,
    ) -> Result<(Vec<u8>, Vec<u8>, Option<SecretBytes>), KeeperError> {
        let request = Request::GenerateDataKeyPair { material, spec, aad: Bytes(aad), plaintext: with_plaintext };
        match self.mux.call(&request).await? {
            Response::DataKeyPair { private_key_ciphertext, public_key, private_key } => {
                Ok((private_key_ciphertext.0, public_key.0, private_key.map(|secret| secret.0)))
            }
            other => Err(unexpected(&other)),
        }
    }
}
