//! The few pieces of DER (X.690) that the cryptographic library does not write itself.
//!
//! Not a parser: what comes from outside is parsed by the library; here only its outermost length is looked at.
//! Invariants: what is written has exactly one reading; no input makes it panic.

use zeroize::Zeroizing;

/// One element: tag, length, contents. Wiped, for the contents may be a private key.
pub(crate) fn element(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(length + HEADER_BYTES_MAX));
    out.push(tag);
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().position(|byte| *byte != 0).and_then(|at| bytes.get(at..)).unwrap_or(&[0]);
    match significant {
        [short @ 0..LONG_FORM] => out.push(*short),
        long => {
            // At most eight bytes, so the count fits beside the flag.
            out.push(LONG_FORM | u8::try_from(long.len()).unwrap_or_default());
            out.extend_from_slice(long);
        }
    }
    contents.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// Whether bytes are one sequence and nothing after it; the library's parsers ignore what follows.
pub(crate) fn is_one_sequence(bytes: &[u8]) -> bool {
    let [SEQUENCE, first, rest @ ..] = bytes else { return false };
    if *first < LONG_FORM {
        return usize::from(*first) == rest.len();
    }
    let count = usize::from(first - LONG_FORM);
    let Some((length, contents)) = rest.split_at_checked(count) else { return false };
    let minimal = matches!(length, [LONG_FORM..=u8::MAX] | [1..=u8::MAX, _, ..]);
    let value = length.iter().take(LENGTH_BYTES_MAX).fold(0usize, |value, byte| value << 8 | usize::from(*byte));
    minimal && count <= LENGTH_BYTES_MAX && value == contents.len()
}

/// Tag of INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// Tag of BIT STRING.
pub(crate) const BIT_STRING: u8 = 0x03;
/// Tag of OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// Tag of OBJECT IDENTIFIER.
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// Tag of SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
const LONG_FORM: u8 = 0x80;
/// Longest length that is read: 4 GiB are more than any frame.
const LENGTH_BYTES_MAX: usize = 4;
const HEADER_BYTES_MAX: usize = 2 + size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal_and_read_back() {
        for (length, header) in [
            (0usize, vec![0x30, 0]),
            (127, vec![0x30, 127]),
            (128, vec![0x30, 0x81, 128]),
            (255, vec![0x30, 0x81, 255]),
            (256, vec![0x30, 0x82, 1, 0]),
            (65_536, vec![0x30, 0x83, 1, 0, 0]),
        ] {
            let contents = vec![7; length];
            let (front, back) = contents.split_at(length / 3);
            let written = element(SEQUENCE, &[front, back]);
            assert_eq!(written[..header.len()], header);
            assert_eq!(written.len(), header.len() + length);
            assert!(is_one_sequence(&written), "{length}");
            assert!(!is_one_sequence(&written[..written.len() - 1]));
            assert!(!is_one_sequence(&[written.as_slice(), &[0]].concat()));
        }
    }

    #[test]
    fn other_elements_and_padded_lengths_are_no_sequence() {
        for bytes in [&[][..], &[0x30], &[0x31, 0], &[0x30, 0x80, 0, 0], &[0x30, 0x81, 1, 0], &[0x30, 0x82, 0, 1, 0]] {
            assert!(!is_one_sequence(bytes), "{bytes:?}");
        }
        let mut long = vec![0x30, 0x82, 0, 200];
        long.extend([0; 200]);
        assert!(!is_one_sequence(&long), "a length with a leading zero");
    }

    proptest::proptest! {
        #[test]
        fn takes_anything_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..20)) {
            let _ = is_one_sequence(&bytes);
        }
    }
}
