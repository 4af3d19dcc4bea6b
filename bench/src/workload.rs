//! What is asked, and whether an answer is right.
//!
//! Not here: when it is asked. Invariants: every call of a workload has a plaintext and an encryption context of its
//! own; an answer is right only if its status, its shape and whatever can be known beforehand are right.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    failure::Failure,
    http_client::{Answer, Connection},
    kms::Kms,
    sigv4::hex,
};

/// An operation that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// 32 bytes under a KMS key.
    Encrypt,
    /// Back to the 32 bytes; the ciphertext names the key.
    Decrypt,
    /// A data key of 256 bits.
    GenerateDataKey,
}

impl Operation {
    /// All that are measured when nothing is chosen.
    pub(crate) const ALL: [Self; 3] = [Self::Encrypt, Self::Decrypt, Self::GenerateDataKey];

    /// The name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "Encrypt",
            Self::Decrypt => "Decrypt",
            Self::GenerateDataKey => "GenerateDataKey",
        }
    }
}

/// The calls of one operation.
#[derive(Debug)]
pub(crate) struct Workload {
    operation: Operation,
    key_arn: String,
    calls: Vec<Call>,
}

/// One call.
#[derive(Debug)]
struct Call {
    body: Vec<u8>,
    context: Value,
    /// In base64; what `Encrypt` gets and `Decrypt` must answer.
    plaintext: String,
}

/// The members of an answer that are looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    key_id: &'a str,
    ciphertext_blob: Option<&'a str>,
    plaintext: Option<&'a str>,
    encryption_algorithm: Option<&'a str>,
}

impl Workload {
    /// Calls with a key; ciphertexts to decrypt are made by the server itself.
    ///
    /// # Errors
    /// If the server does not encrypt.
    pub(crate) async fn prepare(
        operation: Operation,
        key_arn: String,
        kms: &mut Kms,
        connection: &mut Connection,
    ) -> Result<Self, Failure> {
        let mut calls = Vec::with_capacity(CALLS);
        for number in 0..CALLS {
            let (plaintext, context) = (plaintext(number), context(number));
            let encrypt = json!({ "KeyId": key_arn, "Plaintext": plaintext, "EncryptionContext": context });
            let members = match operation {
                Operation::Encrypt => encrypt,
                Operation::Decrypt => {
                    let answer = kms.call(connection, "Encrypt", &encrypt).await?;
                    json!({ "CiphertextBlob": answer.get("CiphertextBlob"), "EncryptionContext": context })
                }
                Operation::GenerateDataKey => {
                    json!({ "KeyId": key_arn, "KeySpec": "AES_256", "EncryptionContext": context })
                }
            };
            calls.push(Call { body: members.to_string().into_bytes(), context, plaintext });
        }
        Ok(Self { operation, key_arn, calls })
    }

    /// What is measured.
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    /// Every call as a request, signed now.
    ///
    /// # Errors
    /// If they cannot be signed.
    pub(crate) fn sign(&self, kms: &mut Kms) -> Result<Vec<Vec<u8>>, Failure> {
        self.calls.iter().map(|call| kms.request(self.operation.name(), &call.body)).collect()
    }

    /// Whether an answer to a call is right.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn verify(&self, number: usize, answer: Answer<'_>) -> Result<(), Failure> {
        let wrong = |what: &str| {
            let (name, text) = (self.operation.name(), String::from_utf8_lossy(answer.body));
            Failure::new(format!("{name} was answered wrongly ({what}): status {}, {text}", answer.status))
        };
        if answer.status != 200 {
            return Err(wrong("status"));
        }
        let members = serde_json::from_slice::<Members<'_>>(answer.body).map_err(|_| wrong("no such members"))?;
        if members.key_id != self.key_arn {
            return Err(wrong("another key"));
        }
        if self.operation != Operation::GenerateDataKey && members.encryption_algorithm != Some(ALGORITHM) {
            return Err(wrong("algorithm"));
        }
        let is_blob = |text: Option<&str>, bytes: usize| text.is_some_and(|text| text.len() == base64_len(bytes));
        let blob = is_blob(members.ciphertext_blob, PLAINTEXT_BYTES + CIPHERTEXT_OVERHEAD);
        let right = match self.operation {
            Operation::Encrypt => blob && members.plaintext.is_none(),
            Operation::Decrypt => members.plaintext == self.calls.get(number).map(|call| call.plaintext.as_str()),
            Operation::GenerateDataKey => blob && is_blob(members.plaintext, PLAINTEXT_BYTES),
        };
        if right { Ok(()) } else { Err(wrong("plaintext or ciphertext")) }
    }

    /// Decrypts what an answer says is the ciphertext, and compares. Answers of `Decrypt` have been compared already.
    ///
    /// # Errors
    /// If it is not the ciphertext of the plaintext that belongs to it.
    pub(crate) async fn check_sample(
        &self,
        number: usize,
        body: &[u8],
        kms: &mut Kms,
        connection: &mut Connection,
    ) -> Result<(), Failure> {
        let (Some(call), Operation::Encrypt | Operation::GenerateDataKey) = (self.calls.get(number), self.operation)
        else {
            return Ok(());
        };
        let members: Members<'_> = serde_json::from_slice(body)?;
        let back = json!({ "CiphertextBlob": members.ciphertext_blob, "EncryptionContext": call.context });
        let back = kms.call(connection, "Decrypt", &back).await?;
        let expected = members.plaintext.unwrap_or(&call.plaintext);
        if back.get("Plaintext").and_then(Value::as_str) == Some(expected) {
            Ok(())
        } else {
            Err(Failure::new(format!("a ciphertext of {} opens to another plaintext", self.operation.name())))
        }
    }
}

fn plaintext(number: usize) -> String {
    BASE64.encode(Sha256::digest(format!("plaintext {number}")))
}

fn context(number: usize) -> Value {
    let object = hex(Sha256::digest(format!("object {number}")).get(..16).unwrap_or_default());
    json!({ "tenant": format!("tenant-{}", number % TENANTS), "object": object })
}

const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

#[cfg(test)]
impl Workload {
    /// A workload that needs no server to be made.
    pub(crate) fn of_one_call(operation: Operation, key_arn: &str) -> Self {
        let call = Call { body: Vec::new(), context: context(0), plaintext: plaintext(0) };
        Self { operation, key_arn: key_arn.into(), calls: vec![call] }
    }

    /// A right answer to its call.
    pub(crate) fn right_answer(&self) -> String {
        json!({ "KeyId": self.key_arn, "Plaintext": plaintext(0), "EncryptionAlgorithm": ALGORITHM }).to_string()
    }
}

/// Calls of a workload; a round asks them again and again.
pub(crate) const CALLS: usize = 4096;
const TENANTS: usize = 100;
const PLAINTEXT_BYTES: usize = 32;
/// What a ciphertext has beyond its plaintext.
const CIPHERTEXT_OVERHEAD: usize = 152;
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn workload(operation: Operation) -> Workload {
        Workload::of_one_call(operation, "arn")
    }

    fn verify(operation: Operation, status: u16, body: &Value) -> Result<(), Failure> {
        let body = body.to_string();
        workload(operation).verify(0, Answer { status, head: b"", body: body.as_bytes() })
    }

    #[test]
    fn plaintexts_and_contexts_are_distinct() {
        let all: HashSet<_> = (0..CALLS).map(|n| (plaintext(n), context(n).to_string())).collect();
        assert_eq!(all.len(), CALLS);
        assert_eq!(plaintext(0).len(), base64_len(PLAINTEXT_BYTES));
    }

    #[test]
    fn takes_the_right_answers() {
        let blob = "a".repeat(248);
        let encrypted = json!({ "KeyId": "arn", "CiphertextBlob": blob, "EncryptionAlgorithm": ALGORITHM });
        verify(Operation::Encrypt, 200, &encrypted).unwrap();
        let decrypted =
            json!({ "KeyId": "arn", "Plaintext": plaintext(0), "EncryptionAlgorithm": ALGORITHM, "New": 1 });
        verify(Operation::Decrypt, 200, &decrypted).unwrap();
        let generated = json!({ "KeyId": "arn", "CiphertextBlob": blob, "Plaintext": plaintext(5) });
        verify(Operation::GenerateDataKey, 200, &generated).unwrap();
    }

    #[test]
    fn refuses_the_wrong_ones() {
        let right = json!({ "KeyId": "arn", "Plaintext": plaintext(0), "EncryptionAlgorithm": ALGORITHM });
        assert!(verify(Operation::Decrypt, 400, &right).is_err());
        assert!(verify(Operation::Encrypt, 200, &right).is_err(), "no ciphertext");
        for (name, value) in [("KeyId", "other"), ("Plaintext", &plaintext(1)), ("EncryptionAlgorithm", "RSA")] {
            let mut wrong = right.clone();
            wrong[name] = value.into();
            assert!(verify(Operation::Decrypt, 200, &wrong).is_err(), "{name}");
        }
        let short = json!({ "KeyId": "arn", "CiphertextBlob": "aaaa", "Plaintext": plaintext(5) });
        assert!(verify(Operation::GenerateDataKey, 200, &short).is_err());
        assert!(workload(Operation::Encrypt).verify(0, Answer { status: 200, head: b"", body: b"[]" }).is_err());
    }
}
