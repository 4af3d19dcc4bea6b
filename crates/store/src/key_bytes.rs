//! Keys as bytes whose order is the order of the values.
//!
//! Not a general encoding: only what keys are made of, and only lossless both ways.
//! Invariants: two different keys of one type never have the same bytes; the bytes of a tuple's first members are a
//! prefix of the tuple's bytes, so they scan it; the order of bytes is the order of values, member by member.

use kanuki_types::{AccountId, AliasName, CustomKeyStoreId, KeyId, MaterialId, Region, Timestamp, UniqueId};

/// A key of a keyspace.
pub trait KeyBytes: Sized {
    /// The bytes.
    fn to_key(&self) -> Vec<u8>;

    /// The inverse of [`KeyBytes::to_key`]; none if the bytes are no key of this type.
    fn from_key(bytes: &[u8]) -> Option<Self>;
}

/// A member of a composite key. Every part is a key too, and so is every tuple of two to four parts.
pub trait KeyPart: Sized {
    /// Appends the part.
    fn write(&self, key: &mut KeyWriter);

    /// Reads the part that comes next; none if it is malformed.
    fn read(key: &mut KeyReader<'_>) -> Option<Self>;
}

impl<T: KeyPart> KeyBytes for T {
    fn to_key(&self) -> Vec<u8> {
        let mut key = KeyWriter::default();
        self.write(&mut key);
        key.into_bytes()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader(bytes);
        let part = Self::read(&mut key)?;
        key.0.is_empty().then_some(part)
    }
}

/// Builds a composite key.
#[derive(Debug, Clone, Default)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Appends bytes of a length that is the same in every key of the keyspace.
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends text of any length, closed by a terminator that sorts before every continuation.
    pub fn text(&mut self, text: &str) {
        self.text_prefix(text);
        self.0.extend_from_slice(&TERMINATOR);
    }

    /// Appends the beginning of a text without closing it: the prefix of all texts that begin so.
    pub fn text_prefix(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == ZERO {
                self.0.push(ESCAPE);
            }
        }
    }

    /// The key, or a prefix of it to scan.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a composite key in the order it was written.
#[derive(Debug, Clone)]
pub struct KeyReader<'a>(&'a [u8]);

impl KeyReader<'_> {
    /// Reads what [`KeyWriter::fixed`] appended.
    pub fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// Reads what [`KeyWriter::text`] appended.
    pub fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            match self.0 {
                [ZERO, ESCAPE, rest @ ..] => {
                    text.push(ZERO);
                    self.0 = rest;
                }
                [ZERO, END, rest @ ..] => {
                    self.0 = rest;
                    return String::from_utf8(text).ok();
                }
                [ZERO, ..] | [] => return None,
                [byte, rest @ ..] => {
                    text.push(*byte);
                    self.0 = rest;
                }
            }
        }
    }
}

impl KeyPart for String {
    fn write(&self, key: &mut KeyWriter) {
        key.text(self);
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.text()
    }
}

impl KeyPart for CustomKeyStoreId {
    fn write(&self, key: &mut KeyWriter) {
        key.text(self.as_str());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.text()?.parse().ok()
    }
}

impl KeyPart for AliasName {
    fn write(&self, key: &mut KeyWriter) {
        key.text(self.as_str());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.text()?.parse().ok()
    }
}

impl KeyPart for Region {
    fn write(&self, key: &mut KeyWriter) {
        key.text(self.as_str());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.text()?.parse().ok()
    }
}

impl KeyPart for UniqueId {
    fn write(&self, key: &mut KeyWriter) {
        key.text(self.as_str());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.text().map(Self::from)
    }
}

impl KeyPart for AccountId {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&self.to_bytes());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        Self::from_bytes(key.fixed()?)
    }
}

impl KeyPart for KeyId {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&self.to_bytes());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        Self::from_bytes(key.fixed()?)
    }
}

impl KeyPart for MaterialId {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(self.as_bytes());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.fixed().map(Self::new)
    }
}

impl KeyPart for Timestamp {
    fn write(&self, key: &mut KeyWriter) {
        // The flipped sign puts instants before 1970 first.
        key.fixed(&(self.millis() ^ i64::MIN).to_be_bytes());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        let millis = i64::from_be_bytes(key.fixed()?) ^ i64::MIN;
        let instant = Self::from_millis(millis);
        (instant.millis() == millis).then_some(instant)
    }
}

impl KeyPart for u64 {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(&self.to_be_bytes());
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.fixed().map(Self::from_be_bytes)
    }
}

impl<const N: usize> KeyPart for [u8; N] {
    fn write(&self, key: &mut KeyWriter) {
        key.fixed(self);
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        key.fixed()
    }
}

impl KeyPart for () {
    fn write(&self, _: &mut KeyWriter) {}

    fn read(_: &mut KeyReader<'_>) -> Option<Self> {
        Some(())
    }
}

macro_rules! tuples {
    ($($($part:ident)+;)+) => {$(
        #[expect(non_snake_case, reason = "each member is bound to the name of its type parameter")]
        impl<$($part: KeyPart),+> KeyPart for ($($part,)+) {
            fn write(&self, key: &mut KeyWriter) {
                let ($($part,)+) = self;
                $($part.write(key);)+
            }

            fn read(key: &mut KeyReader<'_>) -> Option<Self> {
                Some(($($part::read(key)?,)+))
            }
        }
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
}

const ZERO: u8 = 0x00;
/// Behind a zero that belongs to the text.
const ESCAPE: u8 = 0xff;
/// Behind the zero that closes the text; smaller than the escape, so that a text sorts before its continuations.
const END: u8 = 0x01;
const TERMINATOR: [u8; 2] = [ZERO, END];

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn round_trips<T: KeyBytes + PartialEq + Debug>(value: T) -> Vec<u8> {
        let bytes = value.to_key();
        assert_eq!(T::from_key(&bytes), Some(value));
        bytes
    }

    #[test]
    fn every_part_round_trips() {
        let account: AccountId = "000123456789".parse().unwrap();
        let region: Region = "us-east-1".parse().unwrap();
        let key_id = KeyId::multi_region([0xff; 16]);
        let alias: AliasName = "alias/app/prod".parse().unwrap();
        let whole = round_trips((account, region.clone(), key_id));
        assert!(whole.starts_with(&(account, region.clone()).to_key()));
        assert!(whole.starts_with(&account.to_key()));
        round_trips((account, region, alias));
        round_trips((MaterialId::new([7; 32]), UniqueId::new("AIDA"), 7u64, [0xffu8; 3], "text".to_owned()));
        round_trips(());
    }

    #[test]
    fn refuses_what_is_no_key() {
        let bytes = (1u64, "a".to_owned()).to_key();
        for length in 0..bytes.len() {
            assert_eq!(<(u64, String)>::from_key(&bytes[..length]), None, "{length}");
        }
        assert_eq!(<(u64, String)>::from_key(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(String::from_key(b"a\x00\x02"), None);
        assert_eq!(String::from_key(b"\xc3\x00\x01"), None);
        assert_eq!(Region::from_key(&"US".to_owned().to_key()), None);
        assert_eq!(AccountId::from_key(&[0xff; 6]), None);
        assert_eq!(Timestamp::from_key(&[0xff; 8]), None);
    }

    #[test]
    fn instants_sort_across_the_epoch() {
        let keys = [-5, -1, 0, 1, 5].map(|millis| round_trips(Timestamp::from_millis(millis)));
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_beginning_of_text_is_a_prefix() {
        let mut prefix = KeyWriter::default();
        7u64.write(&mut prefix);
        prefix.text_prefix("al\0ia");
        assert!((7u64, "al\0ias".to_owned()).to_key().starts_with(&prefix.into_bytes()));
    }

    /// Texts at which framings fail: with zeros, and beginnings of each other.
    fn text() -> impl Strategy<Value = String> {
        "[\0\u{1}ab\u{ff}]{0,4}"
    }

    proptest! {
        #[test]
        fn bytes_sort_as_values(
            one in (text(), any::<[u8; 2]>(), text(), any::<u64>()),
            two in (text(), any::<[u8; 2]>(), text(), any::<u64>()),
        ) {
            prop_assert_eq!(one.to_key().cmp(&two.to_key()), one.cmp(&two));
            prop_assert_eq!(<(String, [u8; 2], String, u64)>::from_key(&one.to_key()), Some(one));
        }
    }
}
