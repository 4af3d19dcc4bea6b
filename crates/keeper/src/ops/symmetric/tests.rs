//! The golden blobs of `vectors/ciphertext/v1.json`, read once by this module and once by a second reading of the
//! format that shares no code with it; and the commitment.

use std::path::PathBuf;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use kanuki_types::{EncryptionContext, MaterialId};
use serde::{Deserialize, Serialize};

use super::*;
use crate::nonces::Nonces;

#[derive(Serialize, Deserialize)]
struct Golden {
    account: String,
    region: String,
    key_id: String,
    material_id: String,
    material: String,
    encryption_context: std::collections::BTreeMap<String, String>,
    aad: String,
    plaintext: String,
    derived_key: String,
    commitment: String,
    blob: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/ciphertext/v1.json")
}

fn golden() -> Vec<Golden> {
    let cases: Vec<Golden> = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    assert!(cases.len() >= 6);
    cases
}

fn place(case: &Golden) -> MaterialPlace {
    MaterialPlace {
        account: case.account.parse().unwrap(),
        region: case.region.parse().unwrap(),
        key_id: case.key_id.parse().unwrap(),
        material_id: case.material_id.parse().unwrap(),
        spec: KeySpec::SymmetricDefault,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap();
    text.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).unwrap()).collect()
}

#[test]
fn golden_blobs_open() {
    for case in golden() {
        let context = EncryptionContext::new(case.encryption_context.clone()).unwrap();
        assert_eq!(hex(&context.to_aad()), case.aad);
        let material = Material::copy_of(&unhex(&case.material));
        let opened = open_under(&material, &place(&case), &unhex(&case.blob), &unhex(&case.aad)).unwrap();
        assert_eq!(hex(opened.expose()), case.plaintext);
        assert_eq!(case.blob.len(), case.plaintext.len() + 2 * 152);
    }
}

/// Opens a blob as a reader of the format's description would: offsets, HMAC and AES-GCM, nothing of this crate.
fn second_reading(material: &[u8], blob: &[u8], aad: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, material);
    let block = |counter: u8| {
        let fixed = [b"kanuki symmetric call 1\0".as_slice(), &blob[..73], &[0, 0, 2, 0]].concat();
        hmac::sign(&key, &[&[0, 0, 0, counter], fixed.as_slice()].concat()).as_ref().to_vec()
    };
    let (derived_key, commitment) = (block(1), block(2));
    assert_eq!(blob[85..117], commitment);
    let additional = [&blob[..73], &[0; 12], &blob[85..136], aad].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived_key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&blob[73..85]).unwrap();
    let mut sealed = blob[136..].to_vec();
    let plaintext = key.open_in_place(nonce, Aad::from(additional), &mut sealed).unwrap().to_vec();
    (derived_key, commitment, plaintext)
}

#[test]
fn golden_blobs_have_a_second_reading() {
    for case in golden() {
        let (derived_key, commitment, plaintext) =
            second_reading(&unhex(&case.material), &unhex(&case.blob), &unhex(&case.aad));
        assert_eq!(hex(&derived_key), case.derived_key);
        assert_eq!(hex(&commitment), case.commitment);
        assert_eq!(hex(&plaintext), case.plaintext);
    }
}

/// Writes the file anew. Only for a new version of the format, under a new name; what is released stays.
#[test]
#[ignore = "writes vectors/ciphertext/v1.json"]
fn write_golden_blobs() {
    let contexts = [vec![], vec![("purpose", "test")], vec![("a", "1"), ("b", "é"), ("empty", "")]];
    let plaintexts = [vec![0x61], (0..32).collect(), vec![0xff; 300]];
    let keys = [
        ("111122223333", "us-east-1", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("000000000001", "on-prem-7", "mrk-1234abcd12ab34cd56ef1234567890ab"),
    ];
    let mut cases = Vec::new();
    for (account, region, key_id) in keys {
        for (context, plaintext) in contexts.iter().zip(&plaintexts) {
            let pairs = context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let context = EncryptionContext::new(pairs).unwrap();
            let material = Material::random(KEY_BYTES).unwrap();
            let mut case = Golden {
                account: account.to_owned(),
                region: region.to_owned(),
                key_id: key_id.to_owned(),
                material_id: MaterialId::new([0x5a; 32]).to_string(),
                material: hex(material.expose()),
                encryption_context: context.pairs().clone(),
                aad: hex(&context.to_aad()),
                plaintext: hex(plaintext),
                derived_key: String::new(),
                commitment: String::new(),
                blob: String::new(),
            };
            let blob =
                seal_under(&material, &place(&case), Nonces::new().draw().unwrap(), plaintext, &context.to_aad())
                    .unwrap();
            let (derived_key, commitment, _) = second_reading(material.expose(), &blob, &context.to_aad());
            (case.derived_key, case.commitment, case.blob) = (hex(&derived_key), hex(&commitment), hex(&blob));
            cases.push(case);
        }
    }
    std::fs::create_dir_all(path().parent().unwrap()).unwrap();
    std::fs::write(path(), serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
}

/// A blob whose tag verifies under a key, but whose commitment is another key's, must not open.
#[test]
fn a_wrong_commitment_is_refused_though_the_tag_verifies() {
    let case = &golden()[0];
    let (place, material) = (place(case), Material::copy_of(&[7; 32]));
    let prefix = named_by(&place).derivation_prefix(&[1; KDF_NONCE_BYTES]);
    let derived = Derived::new(&material, &prefix).unwrap();
    let sealed_with = |commitment: &[u8; COMMITMENT_BYTES]| {
        let fields = |gcm_nonce| {
            HeaderFields { derivation_prefix: &prefix, gcm_nonce, commitment, plaintext_length: 1 }.to_bytes()
        };
        let mut body = [b'x'];
        let aad = additional_data(&fields(&[0; GCM_NONCE_BYTES]), b"");
        let (nonce, tag) = derived.key().unwrap().seal_in_place(&aad, &mut body).unwrap();
        [fields(&nonce).as_slice(), &body, &tag].concat()
    };
    let honest = sealed_with(derived.commitment().unwrap());
    assert_eq!(open_under(&material, &place, &honest, b"").unwrap().expose(), b"x");
    let mut other = *derived.commitment().unwrap();
    other[31] ^= 1;
    assert!(open_under(&material, &place, &sealed_with(&other), b"").is_err());
}

#[test]
fn two_materials_never_share_a_commitment() {
    let prefix = named_by(&place(&golden()[0])).derivation_prefix(&[1; KDF_NONCE_BYTES]);
    let of = |byte| *Derived::new(&Material::copy_of(&[byte; 32]), &prefix).unwrap().commitment().unwrap();
    let all: std::collections::BTreeSet<_> = (0..=u8::MAX).map(of).collect();
    assert_eq!(all.len(), 256);
}
