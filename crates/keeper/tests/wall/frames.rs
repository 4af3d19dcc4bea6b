//! What is no frame, no message or out of turn ends the connection and nothing else.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    thread,
};

use kanuki_keeper::{KeeperStartError, ServeError, insecure_serve};
use kanuki_keeper_protocol::{FRAME_BYTES_MAX, FrameReader, FrameWriter, PROTOCOL_VERSION, Request, Response, decode};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::playground::options;

/// What a keeper answers to these bytes, and how it ends.
fn answers(folder: &TempDir, bytes: &[u8]) -> (Vec<Response>, Result<(), KeeperStartError>) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let options = options(folder.path());
    let keeper = thread::spawn(move || insecure_serve(theirs, options));
    // A keeper that has closed takes no more.
    let _ = ours.write_all(bytes);
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let mut reader = FrameReader::new();
    let mut answers = Vec::new();
    while let Ok(count @ 1..) = ours.read(reader.space()) {
        reader.advance(count);
        while let Some(frame) = reader.next().unwrap() {
            answers.push(decode(frame.body).unwrap());
        }
    }
    (answers, keeper.join().expect("the keeper must not panic"))
}

fn frames(requests: &[Request<'_>]) -> Vec<u8> {
    let mut writer = FrameWriter::new();
    for (request, id) in requests.iter().zip(0..) {
        writer.push(id, request).unwrap();
    }
    writer.as_bytes().to_vec()
}

const HELLO: Request<'_> = Request::Hello { version: PROTOCOL_VERSION };

#[test]
fn the_greeting_comes_first_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (seen, end) = answers(&folder, &frames(&[HELLO, Request::Drain]));
    assert_eq!(seen, [Response::Hello { version: PROTOCOL_VERSION }, Response::Done]);
    end.unwrap();
    for requests in [vec![Request::Initialise], vec![HELLO, HELLO]] {
        let (seen, end) = answers(&folder, &frames(&requests));
        assert_eq!(seen.len(), requests.len() - 1);
        assert!(matches!(end, Err(KeeperStartError::Connection(ServeError::Greeting))));
    }
}

#[test]
fn another_version_gets_the_own_one_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let other = PROTOCOL_VERSION + 1;
    let (seen, end) = answers(&folder, &frames(&[Request::Hello { version: other }, Request::Initialise]));
    assert_eq!(seen, [Response::Hello { version: PROTOCOL_VERSION }]);
    assert!(matches!(end, Err(KeeperStartError::Connection(ServeError::Version { server })) if server == other));
}

#[test]
fn oversized_frames_close_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let length = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
    let (seen, end) = answers(&folder, &[frames(&[HELLO]), length.to_be_bytes().to_vec()].concat());
    assert_eq!(seen.len(), 1);
    assert!(matches!(end, Err(KeeperStartError::Connection(ServeError::Frame(_)))));
}

#[test]
fn a_cut_frame_is_no_error_and_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = frames(&[HELLO, Request::Initialise]);
    let (seen, end) = answers(&folder, &bytes[..bytes.len() - 1]);
    assert_eq!(seen.len(), 1);
    end.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn garbage_ends_the_connection_without_a_panic(
        greeted: bool,
        framed: bool,
        variant in 0u8..40,
        garbage in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = if greeted { frames(&[HELLO, Request::Initialise]) } else { Vec::new() };
        if framed {
            let length = u32::try_from(garbage.len() + 9).unwrap();
            bytes.extend(length.to_be_bytes());
            bytes.extend([0; 8]);
            bytes.push(variant);
        }
        bytes.extend(garbage);
        let _ = answers(&folder, &bytes);
    }
}
