//! Slow work waits for nobody's quick work, and quick work not for slow work.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
};

use kanuki_keeper_protocol::{
    FrameReader, FrameWriter, KeeperError, KeyPlace, PROTOCOL_VERSION, Reason, Request, Response, SealedMaterial,
    SealedMaterialRef, SecretRef, decode,
};
use kanuki_types::{EncryptionAlgorithm, KeySpec, MessageType, SigningAlgorithm};

use crate::playground::{account, key_id, made, options, ready, region, secret, stream};

/// The ids of the next answers, in their order, with what they answer.
fn answers(stream: &mut UnixStream, count: usize) -> Vec<(u64, Response)> {
    let mut reader = FrameReader::new();
    let mut answers = Vec::new();
    while answers.len() < count {
        let read = stream.read(reader.space()).unwrap();
        assert_ne!(read, 0, "the keeper closed");
        reader.advance(read);
        while let Some(frame) = reader.next().unwrap() {
            answers.push((frame.id, decode(frame.body).unwrap()));
        }
    }
    answers
}

fn send(stream: &mut UnixStream, requests: &[(u64, Request<'_>)]) {
    let mut writer = FrameWriter::new();
    for (id, request) in requests {
        writer.push(*id, request).unwrap();
    }
    stream.write_all(writer.as_bytes()).unwrap();
}

fn place(spec: KeySpec) -> KeyPlace {
    KeyPlace { account: account(), region: region(), key_id: key_id(), spec }
}

fn sealed(spec: KeySpec, response: Response) -> SealedMaterial {
    let Response::Material { material_id, blob, .. } = response else { panic!("{response:?}") };
    let KeyPlace { account, region, key_id, spec } = place(spec);
    let place = kanuki_keeper_protocol::MaterialPlace { account, region, key_id, material_id, spec };
    SealedMaterial { place, blob: blob.0 }
}

fn sign(material: SealedMaterialRef<'_>) -> Request<'_> {
    let algorithm = SigningAlgorithm::RsassaPssSha256;
    Request::Sign { material, algorithm, message_type: MessageType::Raw, message: kanuki_keeper_protocol::Bytes(b"m") }
}

/// All in one write: the quick calls come last and are answered first; a signature does not wait for new keys either.
#[test]
fn a_quick_call_overtakes_a_new_rsa_key_and_so_does_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = stream(options(folder.path()));
    let create = |spec| Request::CreateMaterial { key: place(spec) };
    send(
        &mut stream,
        &[
            (0, Request::Hello { version: PROTOCOL_VERSION }),
            (1, Request::Initialise),
            (2, create(KeySpec::SymmetricDefault)),
            (3, create(KeySpec::Rsa2048)),
        ],
    );
    let mut first = answers(&mut stream, 4);
    assert_eq!(first.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let rsa = sealed(KeySpec::Rsa2048, first.pop().unwrap().1);
    let symmetric = sealed(KeySpec::SymmetricDefault, first.pop().unwrap().1);

    let mut requests: Vec<_> = (10..16).map(|id| (id, create(KeySpec::Rsa4096))).collect();
    requests.push((20, sign(rsa.as_ref())));
    let (plaintext, aad) = (SecretRef(b"x"), kanuki_keeper_protocol::Bytes(&[]));
    requests.extend((30..40).map(|id| (id, Request::Encrypt { material: symmetric.as_ref(), plaintext, aad })));
    send(&mut stream, &requests);
    let order = answers(&mut stream, requests.len());
    let at = |wanted: u64| order.iter().position(|(id, _)| *id == wanted).unwrap();
    let quick: Vec<_> = (30..40).map(at).collect();
    assert!(quick.is_sorted() && quick.iter().all(|quick| *quick < at(10)), "{order:?}");
    assert!(at(20) < at(11), "{order:?}");
    assert!(order.iter().all(|(_, response)| matches!(response, Response::Material { .. } | Response::Bytes(_))));
}

#[test]
fn too_much_slow_work_is_refused_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = stream(options(folder.path()));
    send(&mut stream, &[(0, Request::Hello { version: PROTOCOL_VERSION }), (1, Request::Initialise)]);
    answers(&mut stream, 2);
    let create = || Request::CreateMaterial { key: place(KeySpec::Rsa2048) };
    let requests: Vec<_> = (10..60).map(|id| (id, create())).collect();
    send(&mut stream, &requests);
    let answered = answers(&mut stream, requests.len());
    let busy = answered.iter().filter(|(_, response)| *response == Response::Refused(Reason::Busy)).count();
    let made = answered.iter().filter(|(_, response)| matches!(response, Response::Material { .. })).count();
    assert_eq!(busy + made, requests.len());
    // Thirty-two wait, and those that were made while the rest was read.
    assert!(made >= 32 && busy >= 5, "{made} made, {busy} refused");
    send(&mut stream, &[(99, create())]);
    assert!(matches!(answers(&mut stream, 1).as_slice(), [(99, Response::Material { .. })]));
}

/// Draining waits for what was asked before, and then nothing is left that holds a key.
#[test]
fn work_that_was_taken_is_answered_before_draining_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = stream(options(folder.path()));
    let create = || Request::CreateMaterial { key: place(KeySpec::Rsa3072) };
    send(
        &mut stream,
        &[
            (0, Request::Hello { version: PROTOCOL_VERSION }),
            (1, Request::Initialise),
            (2, create()),
            (3, create()),
            (4, Request::Drain),
            (5, create()),
        ],
    );
    let answered = answers(&mut stream, 6);
    assert_eq!(answered.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(matches!(answered[3].1, Response::Material { .. }));
    assert_eq!(answered[5].1, Response::Refused(Reason::WrongPhase));
}

/// The keeper ends though somebody still asked for something.
#[test]
fn closing_ends_the_keeper_with_work_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let options = options(folder.path());
    let keeper = std::thread::spawn(move || kanuki_keeper::insecure_serve(theirs, options));
    let create = || Request::CreateMaterial { key: place(KeySpec::Rsa4096) };
    let mut requests = vec![(0, Request::Hello { version: PROTOCOL_VERSION }), (1, Request::Initialise)];
    requests.extend((2..30).map(|id| (id, create())));
    send(&mut ours, &requests);
    answers(&mut ours, 2);
    drop(ours);
    // Joined only when every worker has ended; a reset stream is an error that may come first.
    let _ = keeper.join().unwrap();
}

#[test]
fn a_message_that_is_longer_than_any_good_one_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = stream(options(folder.path()));
    let long = vec![0; 100_000];
    let material = SecretRef(&long);
    let key = place(KeySpec::Rsa2048);
    send(
        &mut stream,
        &[
            (0, Request::Hello { version: PROTOCOL_VERSION }),
            (1, Request::Initialise),
            (2, Request::InsecureSealMaterial { key, material }),
        ],
    );
    assert_eq!(answers(&mut stream, 3).pop().unwrap(), (2, Response::Refused(Reason::TooLarge)));
}

#[tokio::test]
async fn many_callers_with_many_keys_get_their_own_answers() {
    let (client, _, _folder) = ready().await;
    let mut keys = Vec::new();
    for spec in [KeySpec::Rsa2048, KeySpec::Rsa2048, KeySpec::Rsa3072] {
        keys.push(made(&client, spec).await.0);
    }
    let calls: Vec<_> = (0..120u8)
        .map(|number| {
            let (client, key) = (client.clone(), keys[usize::from(number) % keys.len()].clone());
            let other = keys[usize::from(number + 1) % keys.len()].clone();
            tokio::spawn(async move {
                let oaep = EncryptionAlgorithm::RsaesOaepSha1;
                let blob = client.asymmetric_encrypt(key.as_ref(), oaep, &secret(&[number])).await.unwrap();
                let opened = client.asymmetric_decrypt(key.as_ref(), oaep, &blob).await.unwrap();
                let wrong = client.asymmetric_decrypt(other.as_ref(), oaep, &blob).await;
                opened.expose() == [number] && wrong.err() == Some(KeeperError::Failed)
            })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
}
