//! Sets of keys: what is taken from them, and when they are read.

use serde_json::{Value, json};

use super::*;

fn rsa(id: &str) -> Value {
    json!({ "kty": "RSA", "kid": id, "use": "sig", "n": "AAEC", "e": "AQAB" })
}

fn ec(curve: &str) -> Value {
    json!({ "kty": "EC", "kid": "ec", "crv": curve, "x": "AQ", "y": "Ag" })
}

fn set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn a_key_is_for_its_own_algorithms_only() {
    let rs256 = {
        let mut key = rsa("r");
        key["alg"] = json!("RS256");
        key
    };
    let keys = parse_set(&set(&[rs256, ec("P-256"), ec("P-384"), ec("P-521")])).unwrap();
    let all = [
        ForeignAlgorithm::Rs256,
        ForeignAlgorithm::Rs384,
        ForeignAlgorithm::Es256,
        ForeignAlgorithm::Es384,
        ForeignAlgorithm::Es512,
    ];
    let fits = |key: &WebKey| all.map(|algorithm| key.for_token(&key.id, algorithm).is_some());
    assert_eq!(fits(&keys[0]), [true, false, false, false, false]);
    assert_eq!(fits(&keys[1]), [false, false, true, false, false]);
    assert_eq!(fits(&keys[2]), [false, false, false, true, false]);
    assert_eq!(fits(&keys[3]), [false, false, false, false, true]);
    assert!(keys[0].for_token("other", ForeignAlgorithm::Rs256).is_none());
    let Some(ForeignKey::Rsa { modulus, .. }) = keys[0].for_token("r", ForeignAlgorithm::Rs256) else { panic!() };
    assert_eq!(modulus.0, [1, 2], "without the zero");
}

#[test]
fn what_is_of_no_use_is_left_out_and_what_is_no_set_is_refused() {
    let encryption = {
        let mut key = rsa("e");
        key["use"] = json!("enc");
        key
    };
    let without_id = json!({ "kty": "RSA", "n": "AQ", "e": "AQ" });
    let symmetric = json!({ "kty": "oct", "kid": "s", "k": "AQ" });
    let odd = [encryption, without_id, symmetric, ec("secp256k1"), json!("text"), rsa("good")];
    let keys = parse_set(&set(&odd)).unwrap();
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["good"]);
    for wrong in [&b""[..], b"{}", b"[]", br#"{"keys":{}}"#] {
        assert_eq!(parse_set(wrong), None);
    }
    assert!(parse_set(&set(&vec![rsa("r"); KEYS_MAX])).is_some());
    assert!(parse_set(&set(&vec![rsa("r"); KEYS_MAX + 1])).is_none());
}

#[tokio::test]
async fn a_file_is_read_again_for_a_new_key_but_not_for_every_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let keys = ProviderKeys::new([("https://i".to_owned(), path.clone())].into(), None);
    let ids = async |key_id: &str, now| {
        let found = keys.of("https://i", key_id, at(now)).await;
        found.map(|keys| keys.unwrap().iter().map(|key| key.id.clone()).collect::<Vec<_>>())
    };
    assert!(ids("a", 0).await.is_err(), "no file yet");
    std::fs::write(&path, set(&[rsa("a")])).unwrap();
    assert!(ids("a", 9).await.is_err(), "too soon");
    assert_eq!(ids("a", 10).await.unwrap(), ["a"]);
    std::fs::write(&path, set(&[rsa("b")])).unwrap();
    assert_eq!(ids("b", 19).await.unwrap(), ["a"], "too soon");
    assert_eq!(ids("a", 200).await.unwrap(), ["a"]);
    assert_eq!(ids("b", 201).await.unwrap(), ["b"]);
    std::fs::write(&path, b"broken").unwrap();
    assert_eq!(ids("c", 300).await.unwrap(), ["b"], "what is known is still good");
    assert_eq!(ids("b", 3_800).await.unwrap(), ["b"]);
    assert!(ids("b", 3_810).await.is_err(), "and not for ever");
    assert!(keys.of("https://other", "a", at(0)).await.unwrap().is_none());
}
