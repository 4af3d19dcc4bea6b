//! Signatures of others: tokens that an identity provider signed.
//!
//! Not here: which keys are trusted, and what a token says; the server knows. No key of ours takes part.
//! Rule: RFC 7518 sections 3.3 and 3.4: RSASSA-PKCS1-v1_5 and ECDSA with a signature of fixed length.
//! Invariants: the algorithm belongs to the kind of key; whatever else is wrong with key or signature is a verdict.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use kanuki_keeper_protocol::{
    FOREIGN_KEY_BYTES_MAX, FOREIGN_MESSAGE_BYTES_MAX, ForeignAlgorithm, ForeignKey, Reason, Response,
};

use crate::error::OpError;

/// Verifies a signature.
pub(super) fn verify(
    key: &ForeignKey<'_>,
    algorithm: ForeignAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<Response, OpError> {
    let parts = match key {
        ForeignKey::Ec { x, y } => [x.0, y.0],
        ForeignKey::Rsa { modulus, exponent } => [modulus.0, exponent.0],
    };
    let is_long = parts.iter().chain([&signature]).any(|part| part.len() > FOREIGN_KEY_BYTES_MAX);
    if is_long || message.len() > FOREIGN_MESSAGE_BYTES_MAX {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    let [first, second] = parts;
    let verdict = match (key, Scheme::of(algorithm)) {
        (ForeignKey::Rsa { .. }, Scheme::Rsa(parameters)) => {
            RsaPublicKeyComponents { n: first, e: second }.verify(parameters, message, signature).is_ok()
        }
        (ForeignKey::Ec { .. }, Scheme::Ecdsa(parameters, length)) => {
            // A coordinate of another length would be another point.
            let point = [&[UNCOMPRESSED], first, second].concat();
            let is_whole = first.len() == length && second.len() == length;
            is_whole && UnparsedPublicKey::new(parameters, point).verify(message, signature).is_ok()
        }
        _ => return Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
    };
    Ok(Response::Verdict(verdict))
}

enum Scheme {
    /// With the length of a coordinate, in bytes.
    Ecdsa(&'static EcdsaVerificationAlgorithm, usize),
    Rsa(&'static RsaParameters),
}

impl Scheme {
    fn of(algorithm: ForeignAlgorithm) -> Self {
        match algorithm {
            ForeignAlgorithm::Es256 => Self::Ecdsa(&ECDSA_P256_SHA256_FIXED, 32),
            ForeignAlgorithm::Es384 => Self::Ecdsa(&ECDSA_P384_SHA384_FIXED, 48),
            ForeignAlgorithm::Es512 => Self::Ecdsa(&ECDSA_P521_SHA512_FIXED, 66),
            ForeignAlgorithm::Rs256 => Self::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            ForeignAlgorithm::Rs384 => Self::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            ForeignAlgorithm::Rs512 => Self::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        }
    }
}

/// The first byte of a point with both coordinates (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;
