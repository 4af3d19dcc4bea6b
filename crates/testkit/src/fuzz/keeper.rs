//! Harnesses for what crosses the wall between server and keeper, and for the blobs that clients bring back.

use std::ops::Range;

use kanuki_keeper_protocol::{
    CIPHERTEXT_OVERHEAD, CiphertextHeader, CiphertextParts, FRAME_BYTES_MAX, FrameError, FrameReader, FrameWriter,
    HEADER_BYTES, HeaderFields, KDF_NONCE_BYTES, Request, Response, decode,
};
use serde::{Deserialize, Serialize};

/// What the keeper reads from its server: frames of requests.
pub fn fuzz_keeper_frame_server(data: &[u8]) -> bool {
    frames(data).iter().any(|body| message::<Request<'_>>(body))
}

/// What the server reads from its keeper: frames of answers.
pub fn fuzz_keeper_frame_client(data: &[u8]) -> bool {
    frames(data).iter().any(|body| message::<Response>(body))
}

/// The frames of a stream; they are the same in whatever pieces the stream arrives.
fn frames(data: &[u8]) -> Vec<Vec<u8>> {
    let whole = read(data, data.len().max(1));
    assert_eq!(whole, read(data, 1), "frames do not depend on how the stream was cut");
    assert_eq!(whole, read(data, 4093), "frames do not depend on how the stream was cut");
    whole.0
}

/// Feeds the stream in pieces; ends at the first error, as both sides do.
fn read(data: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut reader = FrameReader::new();
    let mut out = Vec::new();
    for piece in data.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let space = reader.space();
            assert!(!space.is_empty(), "there is always room for one more byte");
            let count = space.len().min(rest.len());
            let (now, later) = rest.split_at(count);
            space.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            reader.advance(count);
            rest = later;
            loop {
                match reader.next() {
                    Ok(Some(frame)) => {
                        assert!(frame.body.len() <= FRAME_BYTES_MAX, "a frame over the limit was accepted");
                        out.push(frame.body.to_vec());
                    }
                    Ok(None) => break,
                    Err(error) => return (out, Some(error)),
                }
            }
        }
    }
    (out, None)
}

/// A message that was read can be written, and what is written reads as the same message.
fn message<'a, T: Deserialize<'a> + Serialize>(body: &'a [u8]) -> bool {
    let Ok(message) = decode::<T>(body) else { return false };
    let mut written = FrameWriter::new();
    let fits = written.push(7, &message);
    assert!(fits.is_ok(), "a message within the limit is written within the limit");
    // The bytes may be shorter than those read: numbers have longer spellings.
    assert!(written.as_bytes().len() <= body.len() + FRAME_HEAD_BYTES, "writing does not make a message longer");
    true
}

/// A symmetric ciphertext has one reading: its fields make its header again, and no part of it is one itself.
///
/// Judges the bytes as they are, and with what chance would hardly hit set right: format, length and filling.
pub fn fuzz_ciphertext(data: &[u8]) -> bool {
    let mended = mended(data);
    let accepted = one_reading(data);
    one_reading(&mended) || accepted
}

fn mended(data: &[u8]) -> Vec<u8> {
    let mut blob = data.to_vec();
    let sealed = blob.len().saturating_sub(CIPHERTEXT_OVERHEAD);
    let length = u32::try_from(sealed).unwrap_or_default().to_be_bytes();
    let set = |blob: &mut [u8], range: Range<usize>, bytes: &[u8]| {
        blob.get_mut(range).into_iter().for_each(|place| place.copy_from_slice(bytes));
    };
    set(&mut blob, 0..2, &[1, 1]);
    set(&mut blob, LENGTH_AT..LENGTH_AT + 4, &length);
    set(&mut blob, LENGTH_AT + 4..HEADER_BYTES, &[0; HEADER_BYTES - LENGTH_AT - 4]);
    blob
}

fn one_reading(data: &[u8]) -> bool {
    let Some(parts) = CiphertextParts::parse(data) else {
        assert_eq!(CiphertextHeader::parse(data), None, "both readings agree");
        return false;
    };
    assert_eq!(CiphertextHeader::parse(data), Some(parts.key), "both readings agree");
    let plaintext = usize::try_from(parts.plaintext_length).unwrap_or(usize::MAX);
    assert_eq!(data.len(), plaintext.saturating_add(CIPHERTEXT_OVERHEAD), "the overhead is fixed");
    let kdf_nonce = parts.derivation_prefix.last_chunk::<KDF_NONCE_BYTES>();
    let prefix = kdf_nonce.map(|nonce| parts.key.derivation_prefix(nonce));
    assert_eq!(prefix.as_ref(), Some(parts.derivation_prefix), "the key's names have one spelling");
    let fields = HeaderFields {
        derivation_prefix: parts.derivation_prefix,
        gcm_nonce: parts.gcm_nonce,
        commitment: parts.commitment,
        plaintext_length: parts.plaintext_length,
    };
    assert_eq!(data.get(..HEADER_BYTES), Some(fields.to_bytes().as_slice()), "the header has one spelling");
    let shorter = data.split_last().map_or(data, |(_, rest)| rest);
    assert_eq!(CiphertextHeader::parse(shorter), None, "a part of a ciphertext is none");
    true
}

/// Where a ciphertext has the length of its plaintext.
const LENGTH_AT: usize = HEADER_BYTES - 19;

/// Length and id before a body.
const FRAME_HEAD_BYTES: usize = 12;
