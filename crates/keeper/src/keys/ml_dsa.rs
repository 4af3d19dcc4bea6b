//! ML-DSA keys (FIPS 204; written as RFC 9881 says, in the form of the seed).
//!
//! Not keys without their seed: what has only the expanded form cannot be written again.
//! Invariant: the parameter set is the spec's.

use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{
        KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
        ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
    },
};
use kanuki_types::KeySpec;

use crate::{error::Failed, material::Material};

/// A key for signatures.
#[derive(Debug)]
pub(crate) struct MlDsaKey {
    signing: PqdsaKeyPair,
    pub(crate) verifying: ParsedPublicKey,
}

impl MlDsaKey {
    pub(super) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        let (signing, verification) = parameters(spec)?;
        let signing = PqdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| Failed)?;
        let verifying = ParsedPublicKey::new(verification, signing.public_key().as_ref()).map_err(|_| Failed)?;
        Ok(Self { signing, verifying })
    }

    /// Signs a message with an empty context string.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut signature = vec![0; self.signing.algorithm().signature_len()];
        let length = self.signing.sign(message, &mut signature)?;
        signature.truncate(length);
        Ok(signature)
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

fn parameters(spec: KeySpec) -> Result<(&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm), Failed> {
    match spec {
        KeySpec::MlDsa44 => Ok((&ML_DSA_44_SIGNING, &ML_DSA_44)),
        KeySpec::MlDsa65 => Ok((&ML_DSA_65_SIGNING, &ML_DSA_65)),
        KeySpec::MlDsa87 => Ok((&ML_DSA_87_SIGNING, &ML_DSA_87)),
        _ => Err(Failed),
    }
}
