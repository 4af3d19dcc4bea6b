//! Algorithms, message types and specs that calls name beside the spec of their key.
//!
//! Not here: which of them fit which key spec; the keeper refuses what does not fit.
//! Rule: the enumerations of the AWS KMS API reference, in the form of botocore 1.44.5.

use crate::key::wire_enum;

wire_enum! {
    /// An algorithm of Sign and Verify.
    SigningAlgorithm {
        /// RSASSA-PSS with SHA-256, salt as long as the digest (RFC 8017).
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        /// RSASSA-PSS with SHA-384, salt as long as the digest (RFC 8017).
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        /// RSASSA-PSS with SHA-512, salt as long as the digest (RFC 8017).
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 8017).
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        /// RSASSA-PKCS1-v1_5 with SHA-512 (RFC 8017).
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        /// ECDSA with SHA-256 (FIPS 186-5).
        EcdsaSha256 = "ECDSA_SHA_256",
        /// ECDSA with SHA-384 (FIPS 186-5).
        EcdsaSha384 = "ECDSA_SHA_384",
        /// ECDSA with SHA-512 (FIPS 186-5).
        EcdsaSha512 = "ECDSA_SHA_512",
        /// SM2 signatures of the China Regions.
        Sm2Dsa = "SM2DSA",
        /// ML-DSA (FIPS 204).
        MlDsaShake256 = "ML_DSA_SHAKE_256",
        /// Ed25519 (RFC 8032).
        Ed25519Sha512 = "ED25519_SHA_512",
        /// Ed25519ph (RFC 8032).
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
    }
}

wire_enum! {
    /// An algorithm of GenerateMac and VerifyMac.
    MacAlgorithm {
        /// HMAC with SHA-224 (FIPS 198-1).
        HmacSha224 = "HMAC_SHA_224",
        /// HMAC with SHA-256 (FIPS 198-1).
        HmacSha256 = "HMAC_SHA_256",
        /// HMAC with SHA-384 (FIPS 198-1).
        HmacSha384 = "HMAC_SHA_384",
        /// HMAC with SHA-512 (FIPS 198-1).
        HmacSha512 = "HMAC_SHA_512",
    }
}

wire_enum! {
    /// What the message of Sign and Verify is.
    MessageType {
        /// The message itself.
        Raw = "RAW",
        /// Its digest.
        Digest = "DIGEST",
        /// The message representative of ML-DSA, 64 bytes.
        ExternalMu = "EXTERNAL_MU",
    }
}

wire_enum! {
    /// How imported key material is wrapped.
    WrappingAlgorithm {
        /// RSAES-PKCS1-v1_5, withdrawn by the API.
        RsaesPkcs1V15 = "RSAES_PKCS1_V1_5",
        /// RSAES-OAEP with SHA-1 (RFC 8017).
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        /// RSAES-OAEP with SHA-256 (RFC 8017).
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        /// An AES-256 key under RSAES-OAEP with SHA-1, then the material under it (RFC 5649).
        RsaAesKeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        /// An AES-256 key under RSAES-OAEP with SHA-256, then the material under it (RFC 5649).
        RsaAesKeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
        /// SM2 public key encryption.
        Sm2Pke = "SM2PKE",
    }
}

wire_enum! {
    /// The type of the key that wraps imported key material.
    WrappingKeySpec {
        /// RSA with a modulus of 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA with a modulus of 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA with a modulus of 4096 bits.
        Rsa4096 = "RSA_4096",
        /// SM2, of the China Regions.
        Sm2 = "SM2",
    }
}

wire_enum! {
    /// The type of a data key pair.
    DataKeyPairSpec {
        /// RSA with a modulus of 2048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA with a modulus of 3072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA with a modulus of 4096 bits.
        Rsa4096 = "RSA_4096",
        /// NIST P-256.
        EccNistP256 = "ECC_NIST_P256",
        /// NIST P-384.
        EccNistP384 = "ECC_NIST_P384",
        /// NIST P-521.
        EccNistP521 = "ECC_NIST_P521",
        /// secp256k1.
        EccSecgP256k1 = "ECC_SECG_P256K1",
        /// SM2, of the China Regions.
        Sm2 = "SM2",
        /// Ed25519 of RFC 8032.
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        /// ML-KEM-512 of FIPS 203.
        MlKem512 = "ML_KEM_512",
        /// ML-KEM-768 of FIPS 203.
        MlKem768 = "ML_KEM_768",
        /// ML-KEM-1024 of FIPS 203.
        MlKem1024 = "ML_KEM_1024",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::from_wire(algorithm.as_str()), Some(*algorithm));
        }
        assert_eq!(SigningAlgorithm::from_wire("RSASSA_PSS_SHA_1"), None);
    }

    #[test]
    fn pairs_and_wrapping_keys_are_named_like_keys() {
        let of = |name| crate::KeySpec::from_wire(name).map(crate::KeySpec::as_str);
        assert!(DataKeyPairSpec::ALL.iter().all(|spec| of(spec.as_str()) == Some(spec.as_str())));
        assert!(WrappingKeySpec::ALL.iter().all(|spec| of(spec.as_str()) == Some(spec.as_str())));
    }
}
