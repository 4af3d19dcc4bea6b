//! The published values of RFC 4226 and RFC 6238, and the cases of `vectors/policy`.

use serde_json::Value;

use super::*;

fn key(seed: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed)
}

fn from_base32(text: &str) -> Vec<u8> {
    let fives = text.bytes().map(|c| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' });
    let bits: Vec<u8> = fives.flat_map(|five| (0..5).rev().map(move |bit| (five >> bit) & 1)).collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| (byte << 1) | bit)).collect()
}

#[test]
fn counter_values_of_rfc_4226_appendix_d() {
    let key = key(b"12345678901234567890");
    let published =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (step, code) in (0..).zip(published) {
        assert_eq!(totp(&key, step).as_slice(), code.as_bytes(), "{step}");
    }
}

#[test]
fn times_of_rfc_6238_appendix_b() {
    // The published values have eight digits; six are their last six.
    let key = key(b"12345678901234567890");
    for (time, code) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        assert_eq!(totp(&key, time / 30).as_slice(), &code.as_bytes()[2..], "{time}");
    }
}

#[test]
fn every_case_of_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/policy/policy-vectors.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = vectors["totp"].as_array().unwrap();
    assert_eq!(cases.len(), 14);
    for case in cases {
        let seed = Material::copy_of(&from_base32(case["seed_base32"].as_str().unwrap()));
        let steps = MfaSteps {
            present: case["time"].as_u64().unwrap() / 30,
            reach: 1,
            last_taken: case["last_accepted_step"].as_u64(),
        };
        let found = matching_step(&seed, case["code"].as_str().unwrap().as_bytes(), None, steps);
        assert_eq!(found.is_some(), case["expect"].as_bool().unwrap(), "{}", case["id"]);
    }
}

#[test]
fn two_codes_must_follow_each_other() {
    let seed = Material::copy_of(b"12345678901234567890");
    let steps = MfaSteps { present: 5, reach: 4, last_taken: None };
    let find = |code: &str, next: &str, steps| matching_step(&seed, code.as_bytes(), Some(next.as_bytes()), steps);
    assert_eq!(find("969429", "338314", steps), Some(4));
    assert_eq!(find("338314", "969429", steps), None, "the wrong way round");
    assert_eq!(find("969429", "254676", steps), None, "one step between them");
    assert_eq!(find("969429", "969429", steps), None, "the same twice");
    assert_eq!(find("755224", "287082", steps), None, "out of reach");
    assert_eq!(find("969429", "338314", MfaSteps { last_taken: Some(3), ..steps }), None, "the first was taken");
    assert_eq!(find("969429", "338314", MfaSteps { last_taken: Some(2), ..steps }), Some(4));
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let seed = Material::copy_of(b"12345678901234567890");
    for present in [0, u64::MAX] {
        let steps = MfaSteps { present, reach: MFA_REACH_STEPS_MAX, last_taken: None };
        assert_eq!(matching_step(&seed, b"xxxxxx", Some(b""), steps), None);
    }
}

#[test]
fn text_is_base32_for_every_five_bits() {
    let text: String = (0..32).map(|five| char::from(character(five))).collect();
    assert_eq!(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    let bytes: Vec<u8> = (0..40_u8).map(|n| n.wrapping_mul(37)).collect();
    let text = to_base32(&bytes);
    assert_eq!(text.expose().len(), 64);
    assert_eq!(from_base32(std::str::from_utf8(text.expose()).unwrap()), bytes);
}
