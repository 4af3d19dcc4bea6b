//! Tests of the reader of attestation documents.

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn bytes(length: usize) -> Value {
    Value::Bytes(vec![7; length])
}

fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn members() -> Vec<(Value, Value)> {
    vec![
        (text("module_id"), text("i-1-enc2")),
        (text("digest"), text("SHA384")),
        (text("timestamp"), Value::from(1_700_000_000_000_u64)),
        (text("pcrs"), Value::Map(vec![(Value::from(0), bytes(48)), (Value::from(31), bytes(48))])),
        (text("certificate"), bytes(600)),
        (text("cabundle"), Value::Array(vec![bytes(500), bytes(700)])),
        (text("public_key"), bytes(294)),
        (text("user_data"), Value::Null),
        (text("nonce"), Value::Null),
    ]
}

fn payload(change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
    let mut members = members();
    change(&mut members);
    written(&Value::Map(members))
}

fn parts(payload: Vec<u8>) -> Vec<Value> {
    let protected = written(&Value::Map(vec![(Value::from(1), Value::from(-35))]));
    vec![Value::Bytes(protected), Value::Map(Vec::new()), Value::Bytes(payload), bytes(96)]
}

fn document(change: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    let mut parts = parts(payload(|_| {}));
    change(&mut parts);
    written(&Value::Array(parts))
}

fn with_payload(change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Option<Document> {
    Document::parse(&written(&Value::Array(parts(payload(change)))))
}

fn set(members: &mut Vec<(Value, Value)>, name: &str, value: Value) {
    members.retain(|(key, _)| *key != text(name));
    members.push((text(name), value));
}

#[test]
fn a_document_is_read() {
    let good = document(|_| {});
    let tagged = written(&Value::Tag(18, Box::new(read(&good).unwrap())));
    for bytes in [good, tagged] {
        let Document { signed, contents } = Document::parse(&bytes).unwrap();
        assert_eq!(contents.module_id, "i-1-enc2");
        let Registers::Enclave(registers) = &contents.registers else { panic!() };
        assert_eq!(registers.keys().collect::<Vec<_>>(), [&0, &31]);
        assert_eq!((contents.ca_bundle.len(), contents.public_key.unwrap().len()), (2, 294));
        assert_eq!(signed.signature, [7; 96]);
        // The array of four, the text, the protected header of four bytes, no additional data, the payload.
        assert!(signed.message.starts_with(b"\x84\x6aSignature1\x44\xa1\x01\x38\x22\x40\x59"));
    }
    assert!(with_payload(|members| members.retain(|(key, _)| *key != text("nonce"))).is_some());
    let tpm = with_payload(|members| {
        members.retain(|(key, _)| *key != text("pcrs"));
        set(members, "nitrotpm_pcrs", Value::Map(vec![(Value::from(23), bytes(48))]));
    });
    assert!(matches!(tpm.unwrap().contents.registers, Registers::Tpm(_)));
}

#[test]
fn other_envelopes_are_refused() {
    let wrong_algorithm = written(&Value::Map(vec![(Value::from(1), Value::from(-7))]));
    let wrong: Vec<Vec<u8>> = vec![
        Vec::new(),
        document(|parts| parts[0] = Value::Bytes(wrong_algorithm)),
        document(|parts| parts[0] = Value::Bytes(Vec::new())),
        document(|parts| parts[1] = Value::Map(vec![(Value::from(4), bytes(1))])),
        document(|parts| parts[2] = Value::Null),
        document(|parts| parts[3] = bytes(95)),
        document(|parts| parts.push(Value::Null)),
        document(|parts| drop(parts.pop())),
        [document(|_| {}), vec![0]].concat(),
        written(&Value::Tag(17, Box::new(read(&document(|_| {})).unwrap()))),
        vec![0x81; 10_000],
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0; DOCUMENT_BYTES_MAX + 1],
    ];
    for bytes in wrong {
        assert!(Document::parse(&bytes).is_none(), "{bytes:02x?}");
    }
    let good = document(|_| {});
    assert!((0..good.len()).all(|length| Document::parse(&good[..length]).is_none()));
}

#[test]
fn contents_out_of_bounds_are_refused() {
    let wrong: Vec<(&str, Value)> = vec![
        ("module_id", text("")),
        ("module_id", Value::Null),
        ("digest", text("SHA256")),
        ("timestamp", Value::from(0)),
        ("timestamp", Value::from(-1)),
        ("pcrs", Value::Map(Vec::new())),
        ("pcrs", Value::Map(vec![(Value::from(32), bytes(48))])),
        ("pcrs", Value::Map(vec![(Value::from(0), bytes(47))])),
        ("pcrs", Value::Map(vec![(Value::from(0), bytes(48)), (Value::from(0), bytes(48))])),
        ("pcrs", Value::Map(vec![(text("0"), bytes(48))])),
        ("nitrotpm_pcrs", Value::Map(vec![(Value::from(0), bytes(48))])),
        ("certificate", bytes(0)),
        ("certificate", bytes(1025)),
        ("cabundle", Value::Array(Vec::new())),
        ("cabundle", Value::Array(vec![bytes(1); 9])),
        ("cabundle", Value::Array(vec![bytes(1025)])),
        ("public_key", bytes(0)),
        ("public_key", bytes(1025)),
        ("user_data", bytes(1025)),
        ("nonce", text("n")),
        ("more", Value::Null),
    ];
    for (name, value) in wrong {
        assert!(with_payload(|members| set(members, name, value.clone())).is_none(), "{name} {value:?}");
    }
    for name in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
        assert!(with_payload(|members| members.retain(|(key, _)| *key != text(name))).is_none(), "without {name}");
    }
    assert!(with_payload(|members| members.push((text("digest"), text("SHA384")))).is_none(), "a member twice");
}
