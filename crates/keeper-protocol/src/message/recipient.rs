//! What crosses the wall for recipients who prove what they are.

use kanuki_types::{DataKeyPairSpec, EncryptionAlgorithm};
use serde::{Deserialize, Serialize};

use super::Request;
use crate::{Bytes, SealedMaterialRef};

/// A message that was signed under a certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attested<'a> {
    /// The certificates that are trusted, X.509 in DER.
    #[serde(borrow)]
    pub roots: Vec<Bytes<'a>>,
    /// What leads from one of them to the leaf, in any order.
    #[serde(borrow)]
    pub intermediates: Vec<Bytes<'a>>,
    /// The certificate of the signer.
    #[serde(borrow)]
    pub leaf: Bytes<'a>,
    /// What was signed.
    #[serde(borrow)]
    pub message: Bytes<'a>,
    /// ECDSA P-384 with SHA-384: both numbers, 48 bytes each (ES384 of RFC 9053).
    #[serde(borrow)]
    pub signature: Bytes<'a>,
}

/// A job with a secret that is for a recipient.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum RecipientJob<'a> {
    /// As [`Request::AsymmetricDecrypt`].
    AsymmetricDecrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// How it was encrypted.
        algorithm: EncryptionAlgorithm,
        /// The ciphertext.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
    },
    /// As [`Request::Decrypt`].
    Decrypt {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The ciphertext.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
    },
    /// As [`Request::DeriveSharedSecret`].
    DeriveSharedSecret {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The other side's public key, SubjectPublicKeyInfo in DER.
        #[serde(borrow)]
        peer_public_key: Bytes<'a>,
    },
    /// As [`Request::GenerateDataKey`].
    GenerateDataKey {
        /// The key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// Length of the data key, in bytes.
        length: u32,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
    },
    /// As [`Request::GenerateDataKeyPair`].
    GenerateDataKeyPair {
        /// The symmetric key material.
        #[serde(borrow)]
        material: SealedMaterialRef<'a>,
        /// The type of the pair.
        spec: DataKeyPairSpec,
        /// Additional authenticated data.
        #[serde(borrow)]
        aad: Bytes<'a>,
    },
    /// As [`Request::GenerateRandom`].
    GenerateRandom {
        /// How many.
        length: u32,
    },
}

impl<'a> RecipientJob<'a> {
    /// The same job for whoever asks.
    #[must_use]
    pub fn request(&self) -> Request<'a> {
        match self.clone() {
            Self::AsymmetricDecrypt { material, algorithm, ciphertext } => {
                Request::AsymmetricDecrypt { material, algorithm, ciphertext }
            }
            Self::Decrypt { material, ciphertext, aad } => Request::Decrypt { material, ciphertext, aad },
            Self::DeriveSharedSecret { material, peer_public_key } => {
                Request::DeriveSharedSecret { material, peer_public_key }
            }
            Self::GenerateDataKey { material, length, aad } => {
                Request::GenerateDataKey { material, length, aad, plaintext: true }
            }
            Self::GenerateDataKeyPair { material, spec, aad } => {
                Request::GenerateDataKeyPair { material, spec, aad, plaintext: true }
            }
            Self::GenerateRandom { length } => Request::GenerateRandom { length },
        }
    }
}
