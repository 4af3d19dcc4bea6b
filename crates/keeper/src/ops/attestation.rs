//! Attestations: a message that was signed under a certificate which leads to a trusted one.
//!
//! Not here: what the message says; the server reads it. Paths are built and checked by `rustls-webpki` (RFC 5280), its
//! signatures by the cryptographic library of everything else.
//! Rule: "Nitro Enclaves Attestation Process": ECDSA on P-384 with SHA-384, in certificates (X9.62) and in the message
//! (ES384 of RFC 9053); every certificate is valid now; only a certificate authority issues certificates.
//! Invariant: what does not verify says only that it does not.

use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use kanuki_keeper_protocol::{
    ATTESTED_BYTES_MAX, Attested, Bytes, CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX, Reason, Response,
};
use kanuki_types::Timestamp;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
    alg_id,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::error::OpError;

/// `VerifyAttestation`.
pub(super) fn verify(attested: &Attested<'_>, now: Timestamp) -> Result<Response, OpError> {
    let certificates = attested.roots.iter().chain(&attested.intermediates).chain([&attested.leaf]);
    let too_large = attested.roots.len() > CERTIFICATES_MAX
        || attested.intermediates.len() > CERTIFICATES_MAX
        || certificates.into_iter().any(|certificate| certificate.0.len() > CERTIFICATE_BYTES_MAX)
        || attested.message.0.len() > ATTESTED_BYTES_MAX;
    if too_large {
        return Err(OpError::Refused(Reason::TooLarge));
    }
    Ok(Response::Verdict(is_genuine(attested, now).is_some()))
}

fn is_genuine(attested: &Attested<'_>, now: Timestamp) -> Option<()> {
    let roots = certificates(&attested.roots);
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().map(|root| anchor_from_trusted_cert(root).ok()).collect::<Option<_>>()?;
    let intermediates = certificates(&attested.intermediates);
    let leaf = CertificateDer::from(attested.leaf.0);
    let leaf = EndEntityCert::try_from(&leaf).ok()?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).ok()?));
    // An attestation has no extended key usage of its own: one that is stated must at least be that of a client.
    leaf.verify_for_usage(&[&IN_CERTIFICATES], &anchors, &intermediates, now, KeyUsage::client_auth(), None, None)
        .ok()?;
    leaf.verify_signature(&IN_MESSAGES, attested.message.0, attested.signature.0).ok()
}

fn certificates<'a>(bytes: &[Bytes<'a>]) -> Vec<CertificateDer<'a>> {
    bytes.iter().map(|Bytes(bytes)| CertificateDer::from(*bytes)).collect()
}

/// ECDSA on P-384 with SHA-384, with signatures in one form.
#[derive(Debug)]
struct EcdsaP384(&'static EcdsaVerificationAlgorithm);

impl SignatureVerificationAlgorithm for EcdsaP384 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(self.0, public_key).verify(message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}

static IN_CERTIFICATES: EcdsaP384 = EcdsaP384(&ECDSA_P384_SHA384_ASN1);
static IN_MESSAGES: EcdsaP384 = EcdsaP384(&ECDSA_P384_SHA384_FIXED);
