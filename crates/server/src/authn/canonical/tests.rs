//! The request signatures of `vectors/policy/policy-vectors.json`, and the rules that no vector covers.

use super::*;
use crate::wire::Dialect;

#[derive(serde::Deserialize)]
struct Vectors {
    counts: std::collections::BTreeMap<String, usize>,
    sigv4: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    id: String,
    form: String,
    request: VectorRequest,
    expect: Expected,
}

#[derive(serde::Deserialize)]
struct VectorRequest {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(serde::Deserialize)]
struct Expected {
    signed_headers: Vec<String>,
    canonical_request: String,
    string_to_sign: String,
    signature: String,
}

fn incoming(request: &VectorRequest) -> Incoming {
    Incoming {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        headers: request.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone())).collect(),
        body: request.body.clone().into_bytes().into(),
        ..Incoming::default()
    }
}

#[test]
fn vectors_give_their_canonical_request_and_string_to_sign() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/policy/policy-vectors.json");
    let vectors: Vectors = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(vectors.sigv4.len(), vectors.counts["sigv4"]);
    for vector in &vectors.sigv4 {
        let incoming = incoming(&vector.request);
        let presented = Presented::read(&incoming, Dialect::Query).unwrap();
        assert_eq!(presented.in_query, vector.form == "query", "{}", vector.id);
        assert_eq!(presented.signed_headers, vector.expect.signed_headers, "{}", vector.id);
        assert_eq!(presented.signature, vector.expect.signature, "{}", vector.id);
        let request = canonical_request(&incoming, &presented).unwrap();
        assert_eq!(request, vector.expect.canonical_request, "{}", vector.id);
        assert_eq!(string_to_sign(&incoming, &presented).unwrap(), vector.expect.string_to_sign, "{}", vector.id);
    }
}

#[test]
fn paths_are_normalised_and_encoded_again() {
    for (sent, canonical) in [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a/./b//c/../d", "/a/b/d"),
        ("/../..", "/"),
        ("/a%20b", "/a%2520b"),
        ("/a/", "/a/"),
    ] {
        assert_eq!(path(sent), canonical, "{sent}");
    }
}

#[test]
fn queries_are_sorted_and_strict() {
    assert_eq!(query("b=2&a=1&a=0&X-Amz-Signature=x&c").unwrap(), "a=0&a=1&b=2&c=");
    assert_eq!(query("a=x+y").unwrap(), "a=x%2By");
    for bad in ["a=%", "a=%2", "a=%zz"] {
        assert_eq!(query(bad).unwrap_err().code(), ErrorCode::MalformedQueryString, "{bad}");
    }
}

#[test]
fn an_unsigned_header_of_weight_is_refused() {
    let authorization = "AWS4-HMAC-SHA256 Credential=A/20250601/r/kms/aws4_request, SignedHeaders=host;x-amz-date, \
                         Signature=00";
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut incoming = Incoming {
        headers: vec![
            header("authorization", authorization),
            header("host", "h"),
            header("x-amz-date", "20250601T000000Z"),
        ],
        ..Incoming::default()
    };
    let presented = Presented::read(&incoming, Dialect::Json).unwrap();
    assert!(string_to_sign(&incoming, &presented).is_ok());
    incoming.headers.push(header("x-amz-target", "TrentService.Encrypt"));
    assert_eq!(string_to_sign(&incoming, &presented).unwrap_err().code(), ErrorCode::InvalidSignature);
}

#[test]
fn a_stated_hash_must_be_the_bodys() {
    let mut incoming = Incoming { body: "x".into(), ..Incoming::default() };
    incoming.headers.push(("x-amz-content-sha256".into(), "UNSIGNED-PAYLOAD".into()));
    assert!(payload_hash(&incoming).is_err());
    incoming.headers[0].1 = hex(&Sha256::digest(b"x"));
    assert!(payload_hash(&incoming).is_ok());
}
