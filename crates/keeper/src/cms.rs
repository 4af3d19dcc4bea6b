//! CMS EnvelopedData (RFC 5652) for one recipient: AES-256-CBC (RFC 3565) under a fresh key, which is encrypted by
//! RSAES-OAEP with SHA-256 (RFC 4055).
//!
//! Not a reader. The outer elements are of indefinite length and the content is constructed, as BER allows: the readers
//! in enclaves know the form that AWS KMS writes, and only that.
//! Invariants: the content key and the initialisation vector are fresh for each envelope; no plaintext is left behind.

use aws_lc_rs::{
    cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest::{SHA256, digest},
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey},
};
use zeroize::Zeroize as _;

use crate::{
    der::{self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE},
    error::Failed,
    material::{KEY_BYTES, Material},
};

/// The public key of a recipient.
pub(crate) struct RecipientKey {
    key: OaepPublicEncryptingKey,
    /// Subject key identifier: the hash of the key (RFC 7093, section 2, method 4).
    identifier: Vec<u8>,
}

impl RecipientKey {
    /// Reads SubjectPublicKeyInfo in DER; none unless it is an RSA key of 2048 to 4096 bits.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if !der::is_one_sequence(bytes) {
            return None;
        }
        let key = PublicEncryptingKey::from_der(bytes).ok()?;
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&key.key_size_bits()) {
            return None;
        }
        let key = OaepPublicEncryptingKey::new(key).ok()?;
        Some(Self { key, identifier: digest(&SHA256, bytes).as_ref().to_vec() })
    }
}

/// Encrypts to a recipient.
pub(crate) fn envelop(recipient: &RecipientKey, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
    let content_key = Material::random(KEY_BYTES)?;
    let (content, vector) = encrypt(&content_key, plaintext)?;
    let mut encrypted_key = vec![0; recipient.key.ciphertext_size()];
    let length = recipient
        .key
        .encrypt(&OAEP_SHA256_MGF1SHA256, content_key.expose(), &mut encrypted_key, None)
        .map_err(Failed::from)?
        .len();
    encrypted_key.truncate(length);
    let recipient_info = recipient_info(&recipient.identifier, &encrypted_key);
    let content_info = content_info(&vector, &content);
    let enveloped_data = indefinite(SEQUENCE, &[&VERSION_2, &recipient_info, &content_info]);
    Ok(indefinite(SEQUENCE, &[&oid(ENVELOPED_DATA), &indefinite(CONTEXT_0, &[&enveloped_data])]))
}

/// The ciphertext and its initialisation vector.
fn encrypt(key: &Material, plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key.expose())?)?;
    // Room for the padding: a buffer that grew would leave its plaintext behind.
    let mut content = Vec::with_capacity(plaintext.len() + BLOCK_BYTES);
    content.extend_from_slice(plaintext);
    match key.encrypt(&mut content) {
        Ok(DecryptionContext::Iv128(vector)) => Ok((content, vector.as_ref().to_vec())),
        _ => {
            content.zeroize();
            Err(Failed)
        }
    }
}

/// RecipientInfos with one KeyTransRecipientInfo.
fn recipient_info(identifier: &[u8], encrypted_key: &[u8]) -> Vec<u8> {
    let sha256 = sequence(&[&oid(SHA_256), &NULL]);
    let mask = sequence(&[&oid(MGF1), &sha256]);
    let parameters = sequence(&[&element(CONTEXT_0, &[&sha256]), &element(CONTEXT_1, &[&mask])]);
    let algorithm = sequence(&[&oid(RSAES_OAEP), &parameters]);
    let identifier = element(CONTEXT_0_PRIMITIVE, &[identifier]);
    element(SET, &[&sequence(&[&VERSION_2, &identifier, &algorithm, &element(OCTET_STRING, &[encrypted_key])])])
}

/// EncryptedContentInfo.
fn content_info(vector: &[u8], content: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&oid(AES_256_CBC), &element(OCTET_STRING, &[vector])]);
    let content = indefinite(CONTEXT_0, &[&element(OCTET_STRING, &[content])]);
    indefinite(SEQUENCE, &[&oid(DATA), &algorithm, &content])
}

fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    der::element(tag, contents).to_vec()
}

fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, contents)
}

fn oid(bytes: &[u8]) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, &[bytes])
}

/// An element that ends where its end is marked (X.690, section 8.1.3.6).
fn indefinite(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    [&[tag, INDEFINITE][..], &contents.concat(), &END_OF_CONTENTS].concat()
}

const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 4096;
const BLOCK_BYTES: usize = 16;

const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
const CONTEXT_0_PRIMITIVE: u8 = 0x80;
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENTS: [u8; 2] = [0, 0];
const NULL: [u8; 2] = [5, 0];
/// INTEGER 2: what a recipient that is named by its key identifier makes of both versions.
const VERSION_2: [u8; 3] = [2, 1, 2];

/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.7.3
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
/// 1.2.840.113549.1.1.7
const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
/// 1.2.840.113549.1.1.8
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
/// 2.16.840.1.101.3.4.2.1
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// 2.16.840.1.101.3.4.1.42
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
