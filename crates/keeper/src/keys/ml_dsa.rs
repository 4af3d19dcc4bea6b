//! ML-DSA keys (FIPS 204; written as RFC 9881 says, in the form of the seed).
//!
//! Not keys without their seed: what has only the expanded form cannot be written again. Signatures of a µ that was
//! computed outside are the second library's: the first one's safe interface has none.
//! Invariant: the parameter set is the spec's.

use aws_lc_rs::{
    encoding::AsDer as _,
    error::Unspecified,
    signature::{
        KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
        ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
    },
};
use kanuki_types::KeySpec;
use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng};
use ml_dsa::{B32, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::{error::Failed, material::Material};

/// A key for signatures.
#[derive(Debug)]
pub(crate) struct MlDsaKey {
    spec: KeySpec,
    signing: PqdsaKeyPair,
    pub(crate) verifying: ParsedPublicKey,
}

impl MlDsaKey {
    pub(super) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        let (signing, verification) = parameters(spec)?;
        let signing = PqdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| Failed)?;
        let verifying = ParsedPublicKey::new(verification, signing.public_key().as_ref()).map_err(|_| Failed)?;
        Ok(Self { spec, signing, verifying })
    }

    /// Signs a message with an empty context string.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut signature = vec![0; self.signing.algorithm().signature_len()];
        let length = self.signing.sign(message, &mut signature)?;
        signature.truncate(length);
        Ok(signature)
    }

    /// Signs a µ that was computed outside (FIPS 204, section 6.2, algorithm 7 from line 7 on), hedged.
    pub(crate) fn sign_mu(&self, mu: &[u8; MU_BYTES]) -> Result<Vec<u8>, Failed> {
        match self.spec {
            KeySpec::MlDsa44 => self.sign_mu_as::<MlDsa44>(mu),
            KeySpec::MlDsa65 => self.sign_mu_as::<MlDsa65>(mu),
            KeySpec::MlDsa87 => self.sign_mu_as::<MlDsa87>(mu),
            _ => Err(Failed),
        }
    }

    /// Whether it is a signature of the message that the µ stands for.
    pub(crate) fn is_signature_of_mu(&self, mu: &[u8; MU_BYTES], signature: &[u8]) -> Result<bool, Failed> {
        match self.spec {
            KeySpec::MlDsa44 => self.verify_mu_as::<MlDsa44>(mu, signature),
            KeySpec::MlDsa65 => self.verify_mu_as::<MlDsa65>(mu, signature),
            KeySpec::MlDsa87 => self.verify_mu_as::<MlDsa87>(mu, signature),
            _ => Err(Failed),
        }
    }

    fn sign_mu_as<P: MlDsaParams>(&self, mu: &[u8; MU_BYTES]) -> Result<Vec<u8>, Failed> {
        let pkcs8 = self.to_pkcs8()?;
        // What is written has the form of the seed, and ends with it.
        let (head, seed) = pkcs8.expose().split_last_chunk::<SEED_BYTES>().ok_or(Failed)?;
        if !head.ends_with(&SEED_HEAD) {
            return Err(Failed);
        }
        let seed = Zeroizing::new(B32::from(*seed));
        let key = SigningKey::<P>::from_seed(&seed);
        let key: &ExpandedSigningKey<P> = key.expanded_key();
        // Both libraries must mean the same key.
        if key.verifying_key().encode().as_slice() != self.signing.public_key().as_ref() {
            return Err(Failed);
        }
        let signature = key.sign_mu_randomized(&(*mu).into(), &mut Random).map_err(|_| Failed)?;
        Ok(signature.encode().to_vec())
    }

    fn verify_mu_as<P: MlDsaParams>(&self, mu: &[u8; MU_BYTES], signature: &[u8]) -> Result<bool, Failed> {
        let public = self.signing.public_key().as_ref().try_into().map_err(|_| Failed)?;
        let key = VerifyingKey::<P>::decode(public);
        let Ok(signature) = signature.try_into() else { return Ok(false) };
        let Some(signature) = ml_dsa::Signature::<P>::decode(signature) else { return Ok(false) };
        Ok(key.verify_mu(&(*mu).into(), &signature))
    }

    pub(super) fn to_pkcs8(&self) -> Result<Material, Failed> {
        Ok(Material::copy_of(self.signing.to_pkcs8v1()?.as_ref()))
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        Ok(self.signing.public_key().as_der()?.as_ref().to_vec())
    }
}

pub(super) fn generate(spec: KeySpec) -> Result<Material, Failed> {
    Ok(Material::copy_of(PqdsaKeyPair::generate(parameters(spec)?.0)?.to_pkcs8v1()?.as_ref()))
}

/// The first library's random numbers for the second one.
struct Random;

impl TryRng for Random {
    type Error = Unspecified;

    fn try_next_u32(&mut self) -> Result<u32, Unspecified> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Unspecified> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Unspecified> {
        aws_lc_rs::rand::fill(bytes)
    }
}

impl TryCryptoRng for Random {}

/// Bytes of a µ (FIPS 204, section 6.2).
pub(crate) const MU_BYTES: usize = 64;

/// Bytes of a seed (FIPS 204, section 6.1).
const SEED_BYTES: usize = 32;

/// Tag and length of a seed in DER (RFC 9881, section 6).
const SEED_HEAD: [u8; 2] = [0x80, 32];

fn parameters(spec: KeySpec) -> Result<(&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm), Failed> {
    match spec {
        KeySpec::MlDsa44 => Ok((&ML_DSA_44_SIGNING, &ML_DSA_44)),
        KeySpec::MlDsa65 => Ok((&ML_DSA_65_SIGNING, &ML_DSA_65)),
        KeySpec::MlDsa87 => Ok((&ML_DSA_87_SIGNING, &ML_DSA_87)),
        _ => Err(Failed),
    }
}
