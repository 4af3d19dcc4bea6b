//! What each key spec is good for: usages, algorithms, and the lengths that they take.
//!
//! Rule: "Key spec reference" of the AWS KMS developer guide; RFC 8017 section 7.1.1 for OAEP lengths.

use kanuki_types::{
    EncryptionAlgorithm,
    KeySpec::{self, *},
    KeyUsage, MacAlgorithm, MessageType, SigningAlgorithm,
};

/// The usages that a spec may have.
#[must_use]
pub fn usages(spec: KeySpec) -> &'static [KeyUsage] {
    match spec {
        SymmetricDefault => &[KeyUsage::EncryptDecrypt],
        Rsa2048 | Rsa3072 | Rsa4096 => &[KeyUsage::EncryptDecrypt, KeyUsage::SignVerify],
        EccNistP256 | EccNistP384 | EccNistP521 => &[KeyUsage::SignVerify, KeyUsage::KeyAgreement],
        EccSecgP256k1 | EccNistEdwards25519 | MlDsa44 | MlDsa65 | MlDsa87 => &[KeyUsage::SignVerify],
        Hmac224 | Hmac256 | Hmac384 | Hmac512 => &[KeyUsage::GenerateVerifyMac],
        MlKem512 | MlKem768 | MlKem1024 => &[KeyUsage::EncapsulateDecapsulate],
        Sm2 => &[KeyUsage::EncryptDecrypt, KeyUsage::SignVerify, KeyUsage::KeyAgreement],
    }
}

/// The algorithms of Encrypt and Decrypt.
#[must_use]
pub fn encryption_algorithms(spec: KeySpec) -> &'static [EncryptionAlgorithm] {
    match spec {
        SymmetricDefault => &[EncryptionAlgorithm::SymmetricDefault],
        Rsa2048 | Rsa3072 | Rsa4096 => &[EncryptionAlgorithm::RsaesOaepSha1, EncryptionAlgorithm::RsaesOaepSha256],
        Sm2 => &[EncryptionAlgorithm::Sm2Pke],
        _ => &[],
    }
}

/// The algorithms of Sign and Verify.
#[must_use]
pub fn signing_algorithms(spec: KeySpec) -> &'static [SigningAlgorithm] {
    use SigningAlgorithm as A;
    match spec {
        Rsa2048 | Rsa3072 | Rsa4096 => &[
            A::RsassaPkcs1V15Sha256,
            A::RsassaPkcs1V15Sha384,
            A::RsassaPkcs1V15Sha512,
            A::RsassaPssSha256,
            A::RsassaPssSha384,
            A::RsassaPssSha512,
        ],
        EccNistP256 | EccSecgP256k1 => &[A::EcdsaSha256],
        EccNistP384 => &[A::EcdsaSha384],
        EccNistP521 => &[A::EcdsaSha512],
        EccNistEdwards25519 => &[A::Ed25519Sha512, A::Ed25519PhSha512],
        MlDsa44 | MlDsa65 | MlDsa87 => &[A::MlDsaShake256],
        Sm2 => &[A::Sm2Dsa],
        _ => &[],
    }
}

/// The algorithm of GenerateMac and VerifyMac.
#[must_use]
pub fn mac_algorithms(spec: KeySpec) -> &'static [MacAlgorithm] {
    match spec {
        Hmac224 => &[MacAlgorithm::HmacSha224],
        Hmac256 => &[MacAlgorithm::HmacSha256],
        Hmac384 => &[MacAlgorithm::HmacSha384],
        Hmac512 => &[MacAlgorithm::HmacSha512],
        _ => &[],
    }
}

/// Whether material of a spec has a public half.
#[must_use]
pub fn is_asymmetric(spec: KeySpec) -> bool {
    !matches!(spec, SymmetricDefault | Hmac224 | Hmac256 | Hmac384 | Hmac512)
}

/// The most bytes that an RSA algorithm encrypts: the modulus less two hashes and two bytes.
#[must_use]
pub(super) fn plaintext_bytes_max(spec: KeySpec, algorithm: EncryptionAlgorithm) -> Option<usize> {
    let modulus = match spec {
        Rsa2048 => 256,
        Rsa3072 => 384,
        Rsa4096 => 512,
        _ => return None,
    };
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Some(modulus - 2 * 20 - 2),
        EncryptionAlgorithm::RsaesOaepSha256 => Some(modulus - 2 * 32 - 2),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => None,
    }
}

/// How long a message must be that is hashed already; none if the algorithm takes no such message, or any.
#[must_use]
pub(super) fn digest_bytes(algorithm: SigningAlgorithm, message_type: MessageType) -> Option<usize> {
    use SigningAlgorithm as A;
    match (message_type, algorithm) {
        (MessageType::Raw, _) => None,
        (MessageType::ExternalMu, _) => Some(64),
        (MessageType::Digest, A::RsassaPkcs1V15Sha256 | A::RsassaPssSha256 | A::EcdsaSha256 | A::Sm2Dsa) => Some(32),
        (MessageType::Digest, A::RsassaPkcs1V15Sha384 | A::RsassaPssSha384 | A::EcdsaSha384) => Some(48),
        (MessageType::Digest, A::RsassaPkcs1V15Sha512 | A::RsassaPssSha512 | A::EcdsaSha512) => Some(64),
        (MessageType::Digest, A::Ed25519PhSha512) => Some(64),
        (MessageType::Digest, A::Ed25519Sha512 | A::MlDsaShake256) => None,
    }
}

/// Whether an algorithm takes a message of that type.
#[must_use]
pub(super) fn takes(algorithm: SigningAlgorithm, message_type: MessageType) -> bool {
    use SigningAlgorithm as A;
    match message_type {
        MessageType::Raw => algorithm != A::Ed25519PhSha512,
        MessageType::Digest => !matches!(algorithm, A::Ed25519Sha512 | A::MlDsaShake256),
        MessageType::ExternalMu => algorithm == A::MlDsaShake256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_has_a_usage_and_each_usage_an_algorithm() {
        for spec in KeySpec::ALL.iter().copied() {
            assert!(!usages(spec).is_empty(), "{spec}");
            for usage in usages(spec) {
                let algorithms = match usage {
                    KeyUsage::EncryptDecrypt => encryption_algorithms(spec).len(),
                    KeyUsage::SignVerify => signing_algorithms(spec).len(),
                    KeyUsage::GenerateVerifyMac => mac_algorithms(spec).len(),
                    KeyUsage::KeyAgreement | KeyUsage::EncapsulateDecapsulate => 1,
                };
                assert!(algorithms > 0, "{spec} {usage}");
            }
        }
    }

    #[test]
    fn lengths_of_the_developer_guide() {
        let max = |spec, algorithm| plaintext_bytes_max(spec, algorithm).unwrap();
        assert_eq!(max(Rsa2048, EncryptionAlgorithm::RsaesOaepSha1), 214);
        assert_eq!(max(Rsa2048, EncryptionAlgorithm::RsaesOaepSha256), 190);
        assert_eq!(max(Rsa4096, EncryptionAlgorithm::RsaesOaepSha256), 446);
    }
}
