//! ML-KEM keys (FIPS 203), written as RFC 9935 says, in its form of the expanded key.
//!
//! Not the form of the seed: the library's safe interface gives and takes raw expanded keys only, so the few bytes
//! around them are written here.
//! Invariants: a written key is exactly prefix and raw key, so it has one reading; a parsed key has opened a ciphertext
//! that its public half made, for which the library first checks length and hash (FIPS 203, section 7.3).
//!
//! A raw key is `private part ‖ public half ‖ hash of the public half ‖ rejection secret` (FIPS 203, algorithm 16).

use aws_lc_rs::kem::{Algorithm, Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
use kanuki_types::KeySpec;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{der, error::Failed, material::Material};

/// A key for encapsulation.
#[derive(Debug)]
pub(crate) struct MlKemKey {
    parameters: Parameters,
    decapsulation: DecapsulationKey,
    encapsulation: EncapsulationKey,
    raw: Material,
    raw_public: Vec<u8>,
}

impl MlKemKey {
    pub(super) fn parse(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, Failed> {
        let parameters = parameters(spec)?;
        let raw = pkcs8.split_at_checked(pkcs8.len().saturating_sub(parameters.raw_bytes)).ok_or(Failed)?.1;
        if *pkcs8 != **written(parameters, raw) {
            return Err(Failed);
        }
        Self::of_raw(parameters, raw)
    }

    fn of_raw(parameters: Parameters, raw: &[u8]) -> Result<Self, Failed> {
        let rest = raw.get(parameters.private_bytes..).ok_or(Failed)?;
        let raw_public = rest.get(..parameters.public_bytes).ok_or(Failed)?;
        let key = Self {
            parameters,
            decapsulation: DecapsulationKey::new(parameters.algorithm, raw).map_err(|_| Failed)?,
            encapsulation: EncapsulationKey::new(parameters.algorithm, raw_public).map_err(|_| Failed)?,
            raw: Material::copy_of(raw),
            raw_public: raw_public.to_vec(),
        };
        let (ciphertext, secret) = key.encapsulate()?;
        let opened = key.decapsulate(&ciphertext)?;
        if bool::from(opened.expose().ct_eq(secret.expose())) { Ok(key) } else { Err(Failed) }
    }

    /// A ciphertext and its shared secret.
    pub(crate) fn encapsulate(&self) -> Result<(Vec<u8>, Material), Failed> {
        let (ciphertext, secret) = self.encapsulation.encapsulate()?;
        Ok((ciphertext.as_ref().to_vec(), Material::copy_of(secret.as_ref())))
    }

    /// The shared secret of a ciphertext of the right length.
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Material, Failed> {
        if ciphertext.len() != self.parameters.ciphertext_bytes {
            return Err(Failed);
        }
        Ok(Material::copy_of(self.decapsulation.decapsulate(Ciphertext::from(ciphertext))?.as_ref()))
    }

    pub(super) fn to_pkcs8(&self) -> Material {
        Material::new(written(self.parameters, self.raw.expose()))
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        let bits = der::element(der::BIT_STRING, &[&[NO_UNUSED_BITS], &self.raw_public]);
        std::mem::take(&mut *der::element(der::SEQUENCE, &[&self.parameters.identifier(), &bits]))
    }
}

pub(super) fn generate(spec: KeySpec) -> Result<Material, Failed> {
    let parameters = parameters(spec)?;
    let key = DecapsulationKey::generate(parameters.algorithm)?;
    Ok(Material::new(written(parameters, key.key_bytes()?.as_ref())))
}

/// `PrivateKeyInfo { version 0, algorithm, OCTET STRING { OCTET STRING raw } }`.
fn written(parameters: Parameters, raw: &[u8]) -> Zeroizing<Vec<u8>> {
    let expanded = der::element(der::OCTET_STRING, &[raw]);
    let private = der::element(der::OCTET_STRING, &[&expanded]);
    let version = der::element(der::INTEGER, &[&[0]]);
    der::element(der::SEQUENCE, &[&version, &parameters.identifier(), &private])
}

/// One parameter set.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    algorithm: &'static Algorithm,
    /// The last arc of the object identifier.
    arc: u8,
    private_bytes: usize,
    public_bytes: usize,
    raw_bytes: usize,
    ciphertext_bytes: usize,
}

impl Parameters {
    fn identifier(&self) -> Zeroizing<Vec<u8>> {
        der::element(der::SEQUENCE, &[&der::element(der::OBJECT_IDENTIFIER, &[NIST_KEMS, &[self.arc]])])
    }
}

/// FIPS 203, tables 2 and 3.
fn parameters(spec: KeySpec) -> Result<Parameters, Failed> {
    let (algorithm, arc, rank, ciphertext_bytes) = match spec {
        KeySpec::MlKem512 => (&ML_KEM_512, 1, 2, 768),
        KeySpec::MlKem768 => (&ML_KEM_768, 2, 3, 1088),
        KeySpec::MlKem1024 => (&ML_KEM_1024, 3, 4, 1568),
        _ => return Err(Failed),
    };
    let private_bytes = POLYNOMIAL_BYTES * rank;
    let public_bytes = private_bytes + SEED_BYTES;
    let raw_bytes = private_bytes + public_bytes + HASH_BYTES + SEED_BYTES;
    Ok(Parameters { algorithm, arc, private_bytes, public_bytes, raw_bytes, ciphertext_bytes })
}

/// 256 coefficients of twelve bits.
const POLYNOMIAL_BYTES: usize = 384;
const SEED_BYTES: usize = 32;
const HASH_BYTES: usize = 32;
const NO_UNUSED_BITS: u8 = 0;
/// 2.16.840.1.101.3.4.4
const NIST_KEMS: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04];
