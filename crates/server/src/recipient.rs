//! Recipients who prove what they are: `Recipient` of the operations that would answer a secret.
//!
//! Instead of the secret such a call answers an envelope that only the attested environment can open, and policies can
//! ask what runs there. Not here: cryptography; the keeper verifies and encrypts, and the secret never leaves it in
//! clear. Invariants: without a configured trust root every recipient is refused; nothing of a document counts before
//! its signature and its certificates are verified.
//!
//! Rule: "Cryptographic attestation support in AWS KMS" of the developer guide.

mod document;
mod trust_root;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kanuki_keeper_protocol::{Attested as AttestedMessage, Bytes};
use serde_json::{Map, Value};

pub use trust_root::TrustRoot;

use crate::{authz::Demand, doors::Doors, error::ApiError};
use document::Document;

/// What a client sends of its recipient.
#[derive(Debug)]
pub struct RecipientRequest {
    /// The attestation document, not yet looked at.
    pub document: Vec<u8>,
}

/// A recipient whose attestation is verified.
#[derive(Debug)]
pub struct Recipient {
    public_key: Vec<u8>,
    module_id: String,
    registers: Registers,
}

/// What was measured.
#[derive(Debug, PartialEq, Eq)]
enum Registers {
    /// Of an enclave.
    Enclave(BTreeMap<u8, Vec<u8>>),
    /// Of a NitroTPM.
    Tpm(BTreeMap<u8, Vec<u8>>),
}

impl Recipient {
    /// Verifies the attestation of a request; none if it names no recipient.
    ///
    /// # Errors
    /// `ValidationException` if no trust root is configured, or if the document is malformed or not genuine now; or if
    /// the keeper fails.
    pub async fn verify(doors: &Doors, request: Option<&RecipientRequest>) -> Result<Option<Self>, ApiError> {
        let Some(RecipientRequest { document }) = request else { return Ok(None) };
        let Some(trust_root) = &doors.settings.trust_root else {
            return Err(ApiError::validation(
                "The Recipient parameter needs a trust root for attestation documents, and none is configured.",
            ));
        };
        let Document { signed, contents } =
            Document::parse(document).ok_or_else(|| ApiError::validation("The attestation document is malformed."))?;
        let attested = AttestedMessage {
            roots: trust_root.certificates().map(Bytes).collect(),
            intermediates: contents.ca_bundle.iter().map(|certificate| Bytes(certificate)).collect(),
            leaf: Bytes(&contents.certificate),
            message: Bytes(&signed.message),
            signature: Bytes(&signed.signature),
        };
        if !doors.keys.verify_attestation(attested, doors.clock.now()).await? {
            return Err(ApiError::validation("The attestation document could not be verified."));
        }
        let public_key = contents
            .public_key
            .ok_or_else(|| ApiError::validation("The attestation document does not include a public key."))?;
        Ok(Some(Self { public_key, module_id: contents.module_id, registers: contents.registers }))
    }

    /// The key to which the keeper encrypts, as SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Supplies a demand with what policies can ask of the recipient. Rule: `kms:RecipientAttestation:…` of "Condition
    /// keys for AWS KMS".
    #[must_use]
    pub fn attest(&self, mut demand: Demand) -> Demand {
        let (prefix, registers) = match &self.registers {
            Registers::Enclave(registers) => ("PCR", registers),
            Registers::Tpm(registers) => ("NitroTPMPCR", registers),
        };
        for (number, value) in registers {
            demand = demand.with_fact(&format!("kms:RecipientAttestation:{prefix}{number}"), hex(value));
        }
        match (&self.registers, registers.get(&0)) {
            (Registers::Enclave(_), Some(image)) => {
                demand.with_fact("kms:RecipientAttestation:ImageSha384", hex(image))
            }
            _ => demand,
        }
    }

    /// `recipient` of the audit record's `additionalEventData`. Rule: "Monitoring requests for Nitro enclaves"; values are
    /// in base64 there.
    #[must_use]
    pub fn event_data(&self) -> Value {
        let mut data = Map::new();
        data.insert("attestationDocumentModuleId".into(), self.module_id.clone().into());
        let (names, registers): (&[(&str, u8)], _) = match &self.registers {
            Registers::Enclave(registers) => (ENCLAVE_MEMBERS, registers),
            Registers::Tpm(registers) => (TPM_MEMBERS, registers),
        };
        for (name, number) in names {
            if let Some(value) = registers.get(number) {
                data.insert((*name).into(), BASE64.encode(value).into());
            }
        }
        data.into()
    }
}

/// Takes an attestation document apart and does nothing with it: whether it is one. For fuzzing.
#[must_use]
pub fn read_document(bytes: &[u8]) -> bool {
    Document::parse(bytes).is_some()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

const ENCLAVE_MEMBERS: &[(&str, u8)] = &[
    ("attestationDocumentEnclaveImageDigest", 0),
    ("attestationDocumentEnclavePCR1", 1),
    ("attestationDocumentEnclavePCR2", 2),
    ("attestationDocumentEnclavePCR3", 3),
    ("attestationDocumentEnclavePCR4", 4),
    ("attestationDocumentEnclavePCR8", 8),
];
/// The guide shows no record of a NitroTPM: the registers that boot and platform are measured into.
const TPM_MEMBERS: &[(&str, u8)] = &[
    ("attestationDocumentNitroTPMPCR4", 4),
    ("attestationDocumentNitroTPMPCR7", 7),
    ("attestationDocumentNitroTPMPCR12", 12),
];
