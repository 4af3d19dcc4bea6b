//! Ed25519 keys (RFC 8032; written as RFC 8410 says).
//!
//! Ed25519ph is the second library's: the first one's safe interface has none.
//! Invariant: a written public half, where there is one, is the private half's.

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey},
};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use crate::{error::Failed, material::Material};

/// A key for signatures.
#[derive(Debug)]
pub(crate) struct EdKey {
    pub(crate) signing: Ed25519KeyPair,
    pub(crate) verifying: ParsedPublicKey,
}

impl EdKey {
    pub(super) fn parse(pkcs8: &[u8]) -> Result<Self, Failed> {
        let signing = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| Failed)?;
        let verifying = ParsedPublicKey::new(&ED25519, signing.public_key().as_ref()).map_err(|_| Failed)?;
        Ok(Self { signing, verifying })
    }

    /// Signs with Ed25519ph and an empty context (RFC 8032, section 5.1): the message is hashed here.
    pub(crate) fn sign_prehashed(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let seed = self.signing.seed()?.as_be_bytes()?;
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_ref().try_into().map_err(|_| Failed)?);
        let key = SigningKey::from_bytes(&seed);
        let signature = key.sign_prehashed(Sha512::new_with_prefix(message), None).map_err(|_| Failed)?;
        Ok(signature.to_bytes().to_vec())
    }

    /// Whether it is an Ed25519ph signature of that message.
    pub(crate) fn is_prehashed_signature(&self, message: &[u8], signature: &[u8]) -> Result<bool, Failed> {
        let public: [u8; 32] = self.signing.public_key().as_ref().try_into().map_err(|_| Failed)?;
        let key = VerifyingKey::from_bytes(&public).map_err(|_| Failed)?;
        let Ok(signature) = Signature::from_slice(signature) else { return Ok(false) };
        Ok(key.verify_prehashed(Sha512::new_with_prefix(message), None, &signature).is_ok())
    }

    pub(super) fn to_pkcs8(&self) -> Result<Material, Failed> {
        Ok(Material::copy_of(self.signing.to_pkcs8v1()?.as_ref()))
    }

    pub(super) fn public_key(&self) -> Result<Vec<u8>, Failed> {
        Ok(self.signing.public_key().as_der()?.as_ref().to_vec())
    }
}

pub(super) fn generate() -> Result<Material, Failed> {
    Ok(Material::copy_of(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.3.
    #[test]
    fn the_prehashed_signature_is_its_standards() {
        let seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
        let signature = "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa\
                         a10b8c61e636062aaad11c2a26083406";
        let key = EdKey::parse(&unhex(&format!("302e020100300506032b657004220420{seed}"))).unwrap();
        let signed = key.sign_prehashed(b"abc").unwrap();
        assert_eq!(signed, unhex(signature));
        assert_eq!(key.is_prehashed_signature(b"abc", &signed), Ok(true));
        assert_eq!(key.is_prehashed_signature(b"abd", &signed), Ok(false));
        assert_eq!(key.is_prehashed_signature(b"abc", &signed[1..]), Ok(false));
        let pure = key.signing.try_sign(b"abc").unwrap();
        assert_eq!(key.is_prehashed_signature(b"abc", pure.as_ref()), Ok(false));
    }

    fn unhex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }
}
