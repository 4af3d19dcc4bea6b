//! Harnesses for names and for the encryption context.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use kanuki_types::{
    ARN_LEN_MAX, AliasArn, AliasName, Arn, ENCRYPTION_CONTEXT_BYTES_MAX, EncryptionContext, KeyArn, KeyId, MaterialId,
};

/// Names have one spelling: what is accepted is written as it was read. A key ARN or alias ARN is that ARN.
pub fn fuzz_arn(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let other_name = one_spelling::<KeyId>(text) | one_spelling::<AliasName>(text) | one_spelling::<MaterialId>(text);
    let Ok(arn) = text.parse::<Arn>() else { return other_name };
    assert!(text.len() <= ARN_LEN_MAX, "an ARN over the limit was accepted");
    assert_eq!(arn.to_string(), text, "an ARN is written as it was read");
    if let Some(key) = KeyArn::from_arn(&arn) {
        assert_eq!(key.to_string(), text, "a key ARN is written as it was read");
    }
    if let Some(alias) = AliasArn::from_arn(&arn) {
        assert_eq!(alias.to_string(), text, "an alias ARN is written as it was read");
    }
    true
}

fn one_spelling<T: FromStr + Display>(text: &str) -> bool {
    let Ok(name) = text.parse::<T>() else { return false };
    assert_eq!(name.to_string(), text, "a name is written as it was read");
    true
}

/// The serialisation of a context can be read back, so that no two contexts serialise alike.
pub fn fuzz_encryption_context(data: &[u8]) -> bool {
    let pairs = pairs(data);
    let size = pairs.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>() + 2;
    let Ok(context) = EncryptionContext::new(pairs.clone()) else {
        assert!(size > ENCRYPTION_CONTEXT_BYTES_MAX, "a context within the limit was refused");
        return false;
    };
    let aad = context.to_aad();
    assert_eq!(aad.len(), size, "the size is what the limit counts");
    assert!(size <= ENCRYPTION_CONTEXT_BYTES_MAX, "a context over the limit was accepted");
    assert_eq!(read_back(&aad), Some(pairs), "the serialisation has one reading");
    true
}

/// Texts from bytes: each is a length of two bytes, little-endian and modulo 512, and what follows; two make a pair.
fn pairs(data: &[u8]) -> BTreeMap<String, String> {
    let mut rest = data;
    let mut text = || -> Option<String> {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length) % 512).min(tail.len());
        let (text, tail) = tail.split_at_checked(length)?;
        rest = tail;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let mut out = BTreeMap::new();
    while let Some((key, value)) = text().zip(text()) {
        out.insert(key, value);
    }
    out
}

/// A second reading of the serialisation, written from its description alone.
fn read_back(aad: &[u8]) -> Option<BTreeMap<String, String>> {
    let (count, mut rest) = aad.split_first_chunk::<2>()?;
    let mut text = || -> Option<String> {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (text, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = tail;
        String::from_utf8(text.to_vec()).ok()
    };
    let mut out = BTreeMap::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (key, value) = (text()?, text()?);
        if out.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return None;
        }
        out.insert(key, value);
    }
    rest.is_empty().then_some(out)
}
