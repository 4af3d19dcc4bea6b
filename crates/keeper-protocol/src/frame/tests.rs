//! Frames split, joined, oversized and garbled.

use proptest::prelude::*;

use super::*;
use crate::{Reason, Request, Response};

fn feed(reader: &mut FrameReader, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let space = reader.space();
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        reader.advance(count);
        bytes = &bytes[count..];
    }
}

fn frames(reader: &mut FrameReader) -> Vec<(u64, Vec<u8>)> {
    std::iter::from_fn(|| reader.next().unwrap().map(|frame| (frame.id, frame.body.to_vec()))).collect()
}

fn frame(id: u64, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [length.to_be_bytes().as_slice(), &id.to_be_bytes(), body].concat()
}

#[test]
fn golden_bytes() {
    let mut writer = FrameWriter::new();
    writer.push(0x0102, &Request::Hello { version: 300 }).unwrap();
    writer.push(7, &Response::Refused(Reason::WrongPhase)).unwrap();
    let hello = [0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0xac, 0x02];
    let refused = [0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 7, 11, 11];
    assert_eq!(writer.as_bytes(), [hello.as_slice(), refused.as_slice()].concat());
}

#[test]
fn the_largest_frame_passes_and_one_byte_more_is_refused() {
    let largest = vec![5; FRAME_BYTES_MAX - ID_BYTES];
    let mut reader = FrameReader::new();
    feed(&mut reader, &frame(1, &largest));
    assert_eq!(frames(&mut reader), [(1, largest)]);

    let mut reader = FrameReader::new();
    let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
    feed(&mut reader, &length.to_be_bytes());
    assert_eq!(reader.next().unwrap_err(), FrameError::TooLarge, "seen before the body comes");
    let mut reader = FrameReader::new();
    feed(&mut reader, &[0, 0, 0, 7]);
    assert_eq!(reader.next().unwrap_err(), FrameError::Malformed);
}

#[test]
fn a_message_over_the_limit_is_not_appended() {
    let mut writer = FrameWriter::new();
    writer.push(1, &Response::Done).unwrap();
    let before = writer.as_bytes().to_vec();
    let of = |length| Response::Bytes(crate::OwnedBytes(vec![0; length]));
    assert_eq!(writer.push(2, &of(FRAME_BYTES_MAX)), Err(FrameError::TooLarge));
    assert_eq!(writer.as_bytes(), before);
    // Variant, three bytes of length and the id.
    writer.push(2, &of(FRAME_BYTES_MAX - 4 - ID_BYTES)).unwrap();
    assert_eq!(writer.push(3, &of(FRAME_BYTES_MAX - 3 - ID_BYTES)), Err(FrameError::TooLarge));
    assert!(writer.is_full());
    writer.clear();
    assert!(writer.as_bytes().is_empty());
}

#[test]
fn consumed_bytes_are_wiped() {
    let mut reader = FrameReader::new();
    feed(&mut reader, &[frame(1, &[0xaa; 1000]), frame(2, &[0xbb; 10])[..15].to_vec()].concat());
    assert_eq!(reader.next().unwrap().unwrap().body.len(), 1000);
    assert!(reader.next().unwrap().is_none());
    reader.space();
    assert_eq!(reader.buffer.as_slice()[15..], vec![0; reader.buffer.len() - 15]);
}

#[test]
fn a_large_frame_leaves_no_large_buffer() {
    let mut reader = FrameReader::new();
    feed(&mut reader, &[frame(1, &[1; 300_000]), frame(2, b"rest")].concat());
    assert_eq!(frames(&mut reader).len(), 2);
    feed(&mut reader, &frame(3, b"small"));
    assert_eq!(frames(&mut reader), [(3, b"small".to_vec())]);
    assert_eq!(reader.buffer.len(), CHUNK_BYTES);
}

#[test]
fn a_body_is_exactly_one_message() {
    assert_eq!(decode::<Response>(&[1]), Ok(Response::Done));
    assert_eq!(decode::<Response>(&[1, 0]), Err(FrameError::Malformed));
    assert_eq!(decode::<Response>(&[]), Err(FrameError::Malformed));
    assert_eq!(decode::<Response>(&[200]), Err(FrameError::Malformed));
}

proptest! {
    #[test]
    fn frames_survive_any_cutting(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..20),
        cuts in prop::collection::vec(1usize..5000, 1..20),
    ) {
        let expected: Vec<_> = bodies.into_iter().enumerate().map(|(id, body)| (id as u64, body)).collect();
        let bytes: Vec<u8> = expected.iter().flat_map(|(id, body)| frame(*id, body)).collect();
        let mut reader = FrameReader::new();
        let mut seen = Vec::new();
        let (mut rest, mut cuts) = (bytes.as_slice(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            feed(&mut reader, now);
            seen.extend(frames(&mut reader));
            rest = later;
        }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn garbage_never_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10)) {
        let mut reader = FrameReader::new();
        for chunk in chunks {
            feed(&mut reader, &chunk);
            loop {
                match reader.next() {
                    Ok(Some(frame)) => {
                        let _ = decode::<Request<'_>>(frame.body);
                        let _ = decode::<Response>(frame.body);
                    }
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
        }
    }

    #[test]
    fn garbled_bodies_never_panic(body in prop::collection::vec(any::<u8>(), 0..300), variant in 0u8..24) {
        let body = [&[variant], body.as_slice()].concat();
        let _ = decode::<Request<'_>>(&body);
        let _ = decode::<Response>(&body);
    }
}
