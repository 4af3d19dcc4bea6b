//! Keys on the curves P-256, P-384, P-521 and secp256k1.
//!
//! Not here: Ed25519 (`ed25519.rs`), whose keys have another form.
//! Invariants: a key is on the curve of its spec; its written form holds the public point uncompressed; secp256k1 keys
//! do not agree on secrets (the AWS KMS API gives them no such usage).

use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey},
    encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1,
        ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        EcdsaVerificationAlgorithm, KeyPair as _, ParsedPublicKey,
    },
};
use kanuki_types::KeySpec;

use crate::{error::Failed, material::Material};

/// A key for signatures and agreement; which of the two its owner chose is the server's to know.
#[derive(Debug)]
pub(crate) struct EcKey {
    pub(crate) signing: EcdsaKeyPair,
    pub(crate) verifying: ParsedPublicKey,
    /// Reads public keys of the same curve.
    pub(crate) verification: &'static EcdsaVerificationAlgorithm,
    pub(crate) agreeing: Option<PrivateKey>,
}

impl EcKey {
    pub(super) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        let curve = curve(spec)?;
        let signing = EcdsaKeyPair::from_pkcs8(curve.signing, pkcs8).map_err(|_| Failed)?;
        let private: EcPrivateKeyBin<'_> = signing.private_key().as_be_bytes()?;
        // Anew from its numbers, so that nothing of the form in which it came is left.
        let signing = EcdsaKeyPair::from_private_key_and_public_key(
            curve.signing,
            private.as_ref(),
            signing.public_key().as_ref(),
        )
        .map_err(|_| Failed)?;
        let verifying = ParsedPublicKey::new(curve.verification, signing.public_key().as_ref()).map_err(|_| Failed)?;
        let agreeing = curve.agreement.map(|algorithm| PrivateKey::from_private_key(algorithm, private.as_ref()));
        Ok(Self {
            signing,
            verifying,
            verification: curve.verification,
            agreeing: agreeing.transpose().map_err(|_| Failed)?,
        })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Material, Failed> {
        Ok(Material::copy_of(self.signing.to_pkcs8v1()?.as_ref()))
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        Ok(self.signing.public_key().as_der()?.as_ref().to_vec())
    }
}

pub(super) fn generate(spec: KeySpec) -> Result<Material, Failed> {
    Ok(Material::copy_of(EcdsaKeyPair::generate(curve(spec)?.signing)?.to_pkcs8v1()?.as_ref()))
}

/// What a curve is good for, with the hash of its spec.
struct Curve {
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    agreement: Option<&'static agreement::Algorithm>,
}

fn curve(spec: KeySpec) -> Result<Curve, Failed> {
    Ok(match spec {
        KeySpec::EccNistP256 => Curve {
            signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
            verification: &ECDSA_P256_SHA256_ASN1,
            agreement: Some(&ECDH_P256),
        },
        KeySpec::EccNistP384 => Curve {
            signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
            verification: &ECDSA_P384_SHA384_ASN1,
            agreement: Some(&ECDH_P384),
        },
        KeySpec::EccNistP521 => Curve {
            signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
            verification: &ECDSA_P521_SHA512_ASN1,
            agreement: Some(&ECDH_P521),
        },
        KeySpec::EccSecgP256k1 => Curve {
            signing: &ECDSA_P256K1_SHA256_ASN1_SIGNING,
            verification: &ECDSA_P256K1_SHA256_ASN1,
            agreement: None,
        },
        _ => return Err(Failed),
    })
}
