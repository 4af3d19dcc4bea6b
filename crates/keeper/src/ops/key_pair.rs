//! Data key pairs: made here, encrypted under a symmetric key, kept by nobody.
//!
//! Not key material: a pair has no id and is never sealed.
//! Rule: `GenerateDataKeyPair` of the AWS KMS API reference: private half PKCS#8, public half SubjectPublicKeyInfo, both
//! in DER.
//! Invariant: the ciphertext of the private half is exactly one of `Encrypt`.

use kanuki_keeper_protocol::{OwnedBytes, Reason, Response, SealedMaterialRef, Secret};
use kanuki_types::{DataKeyPairSpec, KeySpec};

use super::symmetric;
use crate::{error::OpError, keys, vault::Vault};

/// `GenerateDataKeyPair` and `GenerateDataKeyPairWithoutPlaintext`.
pub(super) fn generate(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    spec: DataKeyPairSpec,
    aad: &[u8],
    plaintext: bool,
) -> Result<Response, OpError> {
    symmetric::check_spec(sealed)?;
    // The two enumerations name the same things alike.
    let spec = KeySpec::from_wire(spec.as_str()).ok_or(OpError::Refused(Reason::UnsupportedSpec))?;
    let (private_key, public_key) = keys::generate(spec)?;
    let private_key_ciphertext = symmetric::seal(vault, sealed, private_key.expose(), aad)?;
    Ok(Response::DataKeyPair {
        private_key_ciphertext: OwnedBytes(private_key_ciphertext),
        public_key: OwnedBytes(public_key),
        private_key: plaintext.then(|| Secret(private_key.into_secret())),
    })
}
