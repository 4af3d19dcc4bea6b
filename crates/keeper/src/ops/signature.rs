//! Signatures.
//!
//! Not here: SM2DSA.
//! Rule: `Sign` and `Verify` of the AWS KMS API reference: which algorithm and message type belongs to which key spec;
//! RFC 8017 with a salt as long as the digest, FIPS 186-5 in DER, RFC 8032 and FIPS 204 with an empty context.
//! Invariants: RAW and DIGEST of a message give interchangeable signatures, but for Ed25519ph, which hashes
//! the digest again; RAW and EXTERNAL_MU likewise; a signature that is not good is a verdict,
//! whatever is wrong with it; an algorithm of another spec is refused before the key is opened.

use aws_lc_rs::{
    digest::{self, Digest, SHA256, SHA384, SHA512, SHA512_OUTPUT_LEN},
    rand::SystemRandom,
    signature::{
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
        RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaParameters, RsaSignatureEncoding,
        UnparsedPublicKey,
    },
};
use kanuki_keeper_protocol::{MESSAGE_BYTES_MAX, OwnedBytes, Reason, Response, SealedMaterialRef};
use kanuki_types::{KeySpec, MessageType, SigningAlgorithm};

use super::material;
use crate::{
    error::{Failed, OpError},
    keys::{Family, MU_BYTES, ParsedKey, RsaKey, family},
    vault::Vault,
};

/// `Sign`.
pub(super) fn sign(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
) -> Result<Response, OpError> {
    let scheme = Scheme::of(sealed.place.spec, algorithm)?;
    let message = scheme.message(message_type, message)?;
    let key = material::parsed(vault, sealed)?;
    let signature = match (key.as_ref(), scheme) {
        (ParsedKey::Rsa(key), Scheme::Rsa { encoding, .. }) => rsa_sign(key, encoding, &message)?,
        (ParsedKey::Ec(key), Scheme::Ecdsa(_)) => match &message {
            Message::Raw(message) => key.signing.sign(&SystemRandom::new(), message),
            Message::Digest(digest) => key.signing.sign_digest(digest),
            Message::Mu(_) => return Err(OpError::Failed),
        }
        .map_err(Failed::from)?
        .as_ref()
        .to_vec(),
        (ParsedKey::Ed25519(key), Scheme::Pure) => {
            key.signing.try_sign(message.raw()?).map_err(Failed::from)?.as_ref().to_vec()
        }
        (ParsedKey::Ed25519(key), Scheme::Ed25519Ph) => key.sign_prehashed(message.raw()?)?,
        (ParsedKey::MlDsa(key), Scheme::MlDsa) => match &message {
            Message::Mu(mu) => key.sign_mu(mu)?,
            message => key.sign(message.raw()?)?,
        },
        _ => return Err(OpError::Failed),
    };
    Ok(Response::Bytes(OwnedBytes(signature)))
}

/// `Verify`, of message and signature.
pub(super) fn verify(
    vault: &Vault,
    sealed: &SealedMaterialRef<'_>,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    (message, signature): (&[u8], &[u8]),
) -> Result<Response, OpError> {
    let scheme = Scheme::of(sealed.place.spec, algorithm)?;
    let message = scheme.message(message_type, message)?;
    let key = material::parsed(vault, sealed)?;
    let verifying = match (key.as_ref(), scheme) {
        (ParsedKey::Rsa(key), Scheme::Rsa { parameters, .. }) => {
            return Ok(Response::Verdict(rsa_verify(key, parameters, &message, signature)?));
        }
        (ParsedKey::Ec(key), Scheme::Ecdsa(_)) => &key.verifying,
        (ParsedKey::Ed25519(key), Scheme::Pure) => &key.verifying,
        (ParsedKey::Ed25519(key), Scheme::Ed25519Ph) => {
            return Ok(Response::Verdict(key.is_prehashed_signature(message.raw()?, signature)?));
        }
        (ParsedKey::MlDsa(key), Scheme::MlDsa) => match &message {
            Message::Mu(mu) => return Ok(Response::Verdict(key.is_signature_of_mu(mu, signature)?)),
            _ => &key.verifying,
        },
        _ => return Err(OpError::Failed),
    };
    let verdict = match &message {
        Message::Digest(digest) => verifying.verify_digest_sig(digest, signature),
        message => verifying.verify_sig(message.raw()?, signature),
    };
    Ok(Response::Verdict(verdict.is_ok()))
}

fn rsa_sign(key: &RsaKey, encoding: &'static RsaSignatureEncoding, message: &Message<'_>) -> Result<Vec<u8>, Failed> {
    let mut signature = vec![0; key.signing.public_modulus_len()];
    match message {
        Message::Raw(message) => key.signing.sign(encoding, &SystemRandom::new(), message, &mut signature)?,
        Message::Digest(digest) => key.signing.sign_digest(encoding, digest, &mut signature)?,
        Message::Mu(_) => return Err(Failed),
    }
    Ok(signature)
}

fn rsa_verify(
    key: &RsaKey,
    parameters: &'static RsaParameters,
    message: &Message<'_>,
    signature: &[u8],
) -> Result<bool, Failed> {
    use aws_lc_rs::signature::KeyPair as _;

    let verifying = UnparsedPublicKey::new(parameters, key.signing.public_key().as_ref());
    let verdict = match message {
        Message::Raw(message) => verifying.verify(message, signature),
        Message::Digest(digest) => verifying.verify_digest(digest, signature),
        Message::Mu(_) => return Err(Failed),
    };
    Ok(verdict.is_ok())
}

/// What is signed.
enum Message<'a> {
    Raw(&'a [u8]),
    Digest(Digest),
    /// What ML-DSA makes of public key and message.
    Mu(&'a [u8; MU_BYTES]),
}

impl<'a> Message<'a> {
    fn raw(&self) -> Result<&'a [u8], Failed> {
        match self {
            Self::Raw(message) => Ok(message),
            Self::Digest(_) | Self::Mu(_) => Err(Failed),
        }
    }
}

/// A signing algorithm, as its key spec understands it.
#[derive(Clone, Copy)]
enum Scheme {
    Ecdsa(&'static digest::Algorithm),
    /// Ed25519ph: what comes is a digest to the API, and the message to the scheme.
    Ed25519Ph,
    MlDsa,
    /// Ed25519, which signs the message itself.
    Pure,
    Rsa {
        encoding: &'static RsaSignatureEncoding,
        parameters: &'static RsaParameters,
        digest: &'static digest::Algorithm,
    },
}

impl Scheme {
    fn of(spec: KeySpec, algorithm: SigningAlgorithm) -> Result<Self, OpError> {
        let scheme = match (spec, algorithm) {
            (KeySpec::EccNistP256 | KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256) => Self::Ecdsa(&SHA256),
            (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384) => Self::Ecdsa(&SHA384),
            (KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512) => Self::Ecdsa(&SHA512),
            (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512) => Self::Pure,
            (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519PhSha512) => Self::Ed25519Ph,
            (KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87, SigningAlgorithm::MlDsaShake256) => Self::MlDsa,
            (spec, algorithm) if family(spec) == Some(Family::Rsa) => Self::rsa(algorithm)?,
            _ => return Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
        };
        Ok(scheme)
    }

    fn rsa(algorithm: SigningAlgorithm) -> Result<Self, OpError> {
        let (encoding, parameters, digest) = match algorithm {
            SigningAlgorithm::RsassaPssSha256 => (&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256, &SHA256),
            SigningAlgorithm::RsassaPssSha384 => (&RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384, &SHA384),
            SigningAlgorithm::RsassaPssSha512 => (&RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512, &SHA512),
            SigningAlgorithm::RsassaPkcs1V15Sha256 => (&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256, &SHA256),
            SigningAlgorithm::RsassaPkcs1V15Sha384 => (&RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384, &SHA384),
            SigningAlgorithm::RsassaPkcs1V15Sha512 => (&RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512, &SHA512),
            _ => return Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
        };
        Ok(Self::Rsa { encoding, parameters, digest })
    }

    /// Reads the message; a digest must be exactly as long as the algorithm's.
    fn message(self, message_type: MessageType, message: &[u8]) -> Result<Message<'_>, OpError> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(OpError::Refused(Reason::TooLarge));
        }
        match (message_type, self) {
            (MessageType::Digest, Self::Ed25519Ph) if message.len() == SHA512_OUTPUT_LEN => Ok(Message::Raw(message)),
            (MessageType::Digest, Self::Ed25519Ph) => Err(OpError::Refused(Reason::BadRequest)),
            (MessageType::ExternalMu, Self::MlDsa) => {
                message.try_into().map(Message::Mu).map_err(|_| OpError::Refused(Reason::BadRequest))
            }
            (MessageType::Digest, Self::Ecdsa(digest) | Self::Rsa { digest, .. }) => {
                let digest = Digest::import_less_safe(message, digest);
                digest.map(Message::Digest).map_err(|_| OpError::Refused(Reason::BadRequest))
            }
            (MessageType::Raw, Self::Ed25519Ph)
            | (MessageType::Digest, Self::MlDsa | Self::Pure)
            | (MessageType::ExternalMu, _) => Err(OpError::Refused(Reason::UnsupportedAlgorithm)),
            (MessageType::Raw, _) => Ok(Message::Raw(message)),
        }
    }
}
