//! Every spec: made, written, parsed, and refused as any other.

use super::*;

fn specs() -> impl Iterator<Item = KeySpec> {
    KeySpec::ALL.iter().copied().filter(|spec| family(*spec).is_some())
}

#[test]
fn keys_read_back_as_written_and_as_no_other_spec() {
    assert_eq!(specs().count(), 14);
    for spec in specs() {
        let (pkcs8, public_key) = generate(spec).unwrap();
        let key = ParsedKey::parse(spec, pkcs8.expose()).unwrap();
        assert_eq!(key.to_pkcs8().unwrap().expose(), pkcs8.expose(), "{spec}");
        assert_eq!(key.public_key().unwrap(), public_key, "{spec}");
        assert!(der::is_one_sequence(&public_key), "{spec}");
        for other in specs().filter(|other| *other != spec) {
            assert!(ParsedKey::parse(other, pkcs8.expose()).is_err(), "{spec} as {other}");
        }
        for wrong in [&pkcs8.expose()[1..], &[pkcs8.expose(), &[0]].concat(), &[]] {
            assert!(ParsedKey::parse(spec, wrong).is_err(), "{spec}");
        }
        assert!(!format!("{key:?}").contains("private_key"), "{spec}");
    }
}

/// The same key in another form: P-256 without its public point, as RFC 5915 allows.
#[test]
fn the_form_in_which_a_key_comes_leaves_no_trace() {
    use aws_lc_rs::{
        encoding::{AsBigEndian as _, EcPrivateKeyBin},
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
    };

    let spec = KeySpec::EccNistP256;
    let (pkcs8, public_key) = generate(spec).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.expose()).unwrap();
    let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let version = |value| der::element(der::INTEGER, &[&[value]]);
    let ec = der::element(der::SEQUENCE, &[&version(1), &der::element(der::OCTET_STRING, &[number.as_ref()])]);
    let ec_public_key = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let prime256v1 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let oid = |arcs: &[u8]| der::element(der::OBJECT_IDENTIFIER, &[arcs]);
    let identifier = der::element(der::SEQUENCE, &[&oid(&ec_public_key), &oid(&prime256v1)]);
    let short = der::element(der::SEQUENCE, &[&version(0), &identifier, &der::element(der::OCTET_STRING, &[&ec])]);
    assert!(short.len() < pkcs8.expose().len());
    let key = ParsedKey::parse(spec, &short).unwrap();
    assert_eq!(key.to_pkcs8().unwrap().expose(), pkcs8.expose());
    assert_eq!(key.public_key().unwrap(), public_key);
}

proptest::proptest! {
    #[test]
    fn takes_anything_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
        for spec in specs() {
            let sequence = der::element(der::SEQUENCE, &[&bytes]);
            proptest::prop_assert!(ParsedKey::parse(spec, &bytes).is_err());
            proptest::prop_assert!(ParsedKey::parse(spec, &sequence).is_err());
        }
    }
}
