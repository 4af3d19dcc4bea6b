//! Import of key material.
//!
//! Not here: what an import may replace, and when material that was imported expires.
//! Rule: "Importing key material" of the AWS KMS developer guide: which algorithm wraps material of which key spec, and
//! what forms the material has; RFC 8017 for OAEP, RFC 5649 for key wrap with padding.
//! Invariants: nothing is remembered between the two calls, all of it is in the token; a token is good for its key
//! (account, Region, id, spec), with its algorithm, until its time; imported material fits the spec.
//!
//! A token is a sealed blob (`envelope.rs`) at the place of its key: in postcard the wrapping algorithm and the last
//! moment, then the private half of the wrapping key as PKCS#8.

use aws_lc_rs::{
    key_wrap::{AES_256, AesKek, KeyWrapPadded as _},
    rsa::{OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use kanuki_keeper_protocol::{IMPORT_BYTES_MAX, KeyPlace, OwnedBytes, Reason, Response};
use kanuki_types::{EncryptionAlgorithm, KeySpec, Timestamp, WrappingAlgorithm, WrappingKeySpec};
use zeroize::Zeroizing;

use super::material;
use crate::{
    error::{Failed, OpError},
    keys::{Family, family, oaep, oaep_decrypt, wrapping_key},
    material::{KEY_BYTES, Material},
    vault::Vault,
};

/// `GetParametersForImport`.
pub(super) fn parameters(
    vault: &Vault,
    key: &KeyPlace,
    algorithm: WrappingAlgorithm,
    wrapping_key_spec: WrappingKeySpec,
    valid_to: Timestamp,
) -> Result<Response, OpError> {
    check_algorithm(key.spec, algorithm)?;
    let unsupported = OpError::Refused(Reason::UnsupportedAlgorithm);
    let (private_key, public_key) = wrapping_key(wrapping_key_spec).ok_or(unsupported)??;
    let terms = postcard::to_stdvec(&(algorithm, valid_to)).map_err(|_| Failed)?;
    let mut contents = Zeroizing::new(Vec::with_capacity(terms.len() + private_key.expose().len()));
    contents.extend_from_slice(&terms);
    contents.extend_from_slice(private_key.expose());
    let token = vault.keyring().imports.seal(&place_bytes(key), &contents)?;
    Ok(Response::ImportParameters { token: OwnedBytes(token), public_key: OwnedBytes(public_key) })
}

/// `ImportKeyMaterial`.
pub(super) fn material(
    vault: &Vault,
    key: &KeyPlace,
    token: &[u8],
    encrypted: &[u8],
    now: Timestamp,
) -> Result<Response, OpError> {
    if token.len().max(encrypted.len()) > IMPORT_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let opened = vault.keyring().imports.open(&place_bytes(key), token);
    let opened = opened.map_err(|Failed| OpError::Refused(Reason::ImportTokenInvalid))?;
    let terms = postcard::take_from_bytes::<(WrappingAlgorithm, Timestamp)>(opened.expose());
    let ((algorithm, valid_to), private_key) = terms.map_err(|_| Failed)?;
    if now > valid_to {
        return Err(OpError::Refused(Reason::ImportTokenExpired));
    }
    let wrapping_key = PrivateDecryptingKey::from_pkcs8(private_key).map_err(|_| Failed)?;
    let wrapping_key = OaepPrivateDecryptingKey::new(wrapping_key).map_err(Failed::from)?;
    let unwrapped = unwrap(&wrapping_key, algorithm, encrypted)?;
    material::seal_given(vault, key, unwrapped.expose(), Reason::MaterialInvalid)
}

/// The two ways to wrap.
#[derive(Debug, Clone, Copy)]
enum Wrapping {
    /// OAEP of the material itself.
    Direct(&'static OaepAlgorithm),
    /// OAEP of an AES key, then the material under that.
    TwoSteps(&'static OaepAlgorithm),
}

impl Wrapping {
    /// None for an algorithm that is withdrawn or not in the library.
    fn of(algorithm: WrappingAlgorithm) -> Option<Self> {
        match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => oaep(EncryptionAlgorithm::RsaesOaepSha1).map(Self::Direct),
            WrappingAlgorithm::RsaesOaepSha256 => oaep(EncryptionAlgorithm::RsaesOaepSha256).map(Self::Direct),
            WrappingAlgorithm::RsaAesKeyWrapSha1 => oaep(EncryptionAlgorithm::RsaesOaepSha1).map(Self::TwoSteps),
            WrappingAlgorithm::RsaAesKeyWrapSha256 => oaep(EncryptionAlgorithm::RsaesOaepSha256).map(Self::TwoSteps),
            WrappingAlgorithm::RsaesPkcs1V15 | WrappingAlgorithm::Sm2Pke => None,
        }
    }
}

/// Whether material of a spec can be imported at all, and wrapped so.
fn check_algorithm(spec: KeySpec, algorithm: WrappingAlgorithm) -> Result<(), OpError> {
    let fits = match (family(spec), Wrapping::of(algorithm)) {
        (Some(Family::MlDsa | Family::MlKem), _) => return Err(OpError::Refused(Reason::UnsupportedSpec)),
        (None, _) if spec == KeySpec::Sm2 => return Err(OpError::Refused(Reason::UnsupportedSpec)),
        (Some(Family::Rsa), wrapping) => matches!(wrapping, Some(Wrapping::TwoSteps(_))),
        (Some(Family::Ec | Family::Ed25519), wrapping) => wrapping.is_some(),
        (None, wrapping) => matches!(wrapping, Some(Wrapping::Direct(_))),
    };
    if fits { Ok(()) } else { Err(OpError::Refused(Reason::UnsupportedAlgorithm)) }
}

fn unwrap(
    wrapping_key: &OaepPrivateDecryptingKey,
    algorithm: WrappingAlgorithm,
    encrypted: &[u8],
) -> Result<Material, OpError> {
    let unwrapped = match Wrapping::of(algorithm) {
        Some(Wrapping::Direct(oaep)) => oaep_decrypt(wrapping_key, oaep, encrypted),
        Some(Wrapping::TwoSteps(oaep)) => unwrap_two_steps(wrapping_key, oaep, encrypted),
        None => return Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
    };
    unwrapped.map_err(|Failed| OpError::Refused(Reason::UnwrapFailed))
}

fn unwrap_two_steps(
    wrapping_key: &OaepPrivateDecryptingKey,
    oaep: &'static OaepAlgorithm,
    encrypted: &[u8],
) -> Result<Material, Failed> {
    let (front, back) = encrypted.split_at_checked(wrapping_key.key_size_bytes()).ok_or(Failed)?;
    let aes_key = oaep_decrypt(wrapping_key, oaep, front)?;
    if aes_key.expose().len() != KEY_BYTES {
        return Err(Failed);
    }
    let mut out = Zeroizing::new(vec![0; back.len()]);
    let length = AesKek::new(&AES_256, aes_key.expose())?.unwrap_with_padding(back, &mut out)?.len();
    // What is cut off is padding.
    out.truncate(length);
    Ok(Material::new(out))
}

/// The key that a token is for: fields of fixed length, then Region and spec, each behind its length.
fn place_bytes(key: &KeyPlace) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(96);
    bytes.extend_from_slice(&key.account.to_bytes());
    bytes.extend_from_slice(&key.key_id.to_bytes());
    for name in [key.region.as_str(), key.spec.as_str()] {
        // Both are far below 256 bytes; were one not, its place would match nothing else either.
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes
}
