//! Attestation documents: COSE_Sign1 (RFC 9052) around a CBOR map (RFC 8949).
//!
//! Read strictly: one value and nothing behind it, no key twice, no member that is not in the specification, every
//! length within its bounds. Not here: whether a document is genuine. Invariant: no input makes it panic or take much
//! memory; depth and length are bounded before anything is built.
//!
//! Rule: "Nitro Enclaves Attestation Process", sections 2.2, 3.1 and 3.2.2; "Validate a NitroTPM Attestation Document".

use std::collections::BTreeMap;

use ciborium::Value;

use super::Registers;

/// A document, taken apart.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) signed: Signed,
    pub(super) contents: Contents,
}

/// What was signed, and how.
#[derive(Debug)]
pub(super) struct Signed {
    /// `Sig_structure` of RFC 9052, section 4.4.
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// What the document says.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) module_id: String,
    pub(super) registers: Registers,
    pub(super) certificate: Vec<u8>,
    pub(super) ca_bundle: Vec<Vec<u8>>,
    pub(super) public_key: Option<Vec<u8>>,
}

impl Document {
    /// Reads a document; none if it is not one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return None;
        }
        let parts = match read(bytes)? {
            Value::Array(parts) => parts,
            Value::Tag(COSE_SIGN1, inner) => inner.into_array().ok()?,
            _ => return None,
        };
        let [protected, unprotected, payload, signature] = <[Value; 4]>::try_from(parts).ok()?;
        let protected = protected.into_bytes().ok()?;
        let is_es384 = read(&protected)? == Value::Map(vec![(Value::from(ALGORITHM), Value::from(ES384))]);
        if !is_es384 || unprotected != Value::Map(Vec::new()) {
            return None;
        }
        let payload = bytes_of(payload, 1..=PAYLOAD_BYTES_MAX)?;
        let signature = bytes_of(signature, SIGNATURE_BYTES..=SIGNATURE_BYTES)?;
        let contents = Contents::parse(&payload)?;
        Some(Self { signed: Signed { message: sig_structure(&protected, &payload)?, signature }, contents })
    }
}

impl Contents {
    fn parse(payload: &[u8]) -> Option<Self> {
        let mut members = Members::of(read(payload)?)?;
        let digest = members.take("digest")?.into_text().ok()?;
        let timestamp = u64::try_from(members.take("timestamp")?.into_integer().ok()?).ok()?;
        let module_id = members.take("module_id")?.into_text().ok()?;
        if digest != DIGEST || timestamp == 0 || !(1..=MODULE_ID_BYTES_MAX).contains(&module_id.len()) {
            return None;
        }
        let registers = match (members.take("pcrs"), members.take("nitrotpm_pcrs")) {
            (Some(registers), None) => Registers::Enclave(registers_of(registers, ENCLAVE_REGISTERS_MAX)?),
            (None, Some(registers)) => Registers::Tpm(registers_of(registers, TPM_REGISTERS_MAX)?),
            _ => return None,
        };
        let certificate = bytes_of(members.take("certificate")?, 1..=CERTIFICATE_BYTES_MAX)?;
        let bundle = members.take("cabundle")?.into_array().ok()?;
        if !(1..=BUNDLE_LEN_MAX).contains(&bundle.len()) {
            return None;
        }
        let ca_bundle =
            bundle.into_iter().map(|value| bytes_of(value, 1..=CERTIFICATE_BYTES_MAX)).collect::<Option<_>>()?;
        let public_key = members.optional("public_key", 1..=USER_BYTES_MAX)?;
        members.optional("user_data", 0..=USER_BYTES_MAX)?;
        members.optional("nonce", 0..=USER_BYTES_MAX)?;
        members.is_empty().then_some(Self { module_id, registers, certificate, ca_bundle, public_key })
    }
}

/// The members of a map whose keys are texts.
struct Members(BTreeMap<String, Value>);

impl Members {
    fn of(value: Value) -> Option<Self> {
        let mut members = BTreeMap::new();
        for (key, value) in value.into_map().ok()? {
            if members.insert(key.into_text().ok()?, value).is_some() {
                return None;
            }
        }
        Some(Self(members))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Bytes that may be left out, or be null, which is how the security module leaves them out.
    fn optional(&mut self, name: &str, length: std::ops::RangeInclusive<usize>) -> Option<Option<Vec<u8>>> {
        match self.take(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => bytes_of(value, length).map(Some),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One value and nothing behind it.
fn read(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX).ok()?;
    rest.is_empty().then_some(value)
}

fn bytes_of(value: Value, length: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    value.into_bytes().ok().filter(|bytes| length.contains(&bytes.len()))
}

fn registers_of(value: Value, count: u8) -> Option<BTreeMap<u8, Vec<u8>>> {
    let mut registers = BTreeMap::new();
    for (number, value) in value.into_map().ok()? {
        let number = u8::try_from(number.into_integer().ok()?).ok().filter(|number| *number < count)?;
        let value = value.into_bytes().ok().filter(|value| matches!(value.len(), 32 | 48 | 64))?;
        if registers.insert(number, value).is_some() {
            return None;
        }
    }
    (!registers.is_empty()).then_some(registers)
}

fn sig_structure(protected: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let structure = Value::Array(vec![
        Value::Text("Signature1".into()),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.to_vec()),
    ]);
    let mut message = Vec::with_capacity(payload.len() + FRAMING_BYTES);
    ciborium::into_writer(&structure, &mut message).ok()?;
    Some(message)
}

const COSE_SIGN1: u64 = 18;
/// The header `alg` of RFC 9052, section 3.1.
const ALGORITHM: i64 = 1;
const ES384: i64 = -35;
const DIGEST: &str = "SHA384";
const SIGNATURE_BYTES: usize = 96;
const PAYLOAD_BYTES_MAX: usize = 16_384;
/// The payload and what stands around it.
const DOCUMENT_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 256;
const MODULE_ID_BYTES_MAX: usize = 256;
const CERTIFICATE_BYTES_MAX: usize = 1024;
/// More than leads to any host; what the keeper takes.
const BUNDLE_LEN_MAX: usize = 8;
const USER_BYTES_MAX: usize = 1024;
const ENCLAVE_REGISTERS_MAX: u8 = 32;
const TPM_REGISTERS_MAX: u8 = 24;
/// A list in a map in a tag is all there is.
const DEPTH_MAX: usize = 8;
const FRAMING_BYTES: usize = 32;

#[cfg(test)]
mod tests;
