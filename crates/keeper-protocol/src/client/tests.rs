//! The client against a keeper that is played by the test.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    task::JoinHandle,
};

use super::*;
use crate::{FRAME_BYTES_MAX, FrameReader, FrameWriter, OwnedBytes, Secret, decode};

/// The keeper's end of the stream.
struct Played {
    stream: UnixStream,
    reader: FrameReader,
}

impl Played {
    /// The next request, as its id and its printed form, which shows lengths and no secret.
    async fn request(&mut self) -> (u64, String) {
        loop {
            if let Some(frame) = self.reader.next().unwrap() {
                return (frame.id, format!("{:?}", decode::<Request<'_>>(frame.body).unwrap()));
            }
            let count = self.stream.read(self.reader.space()).await.unwrap();
            assert_ne!(count, 0, "the client closed");
            self.reader.advance(count);
        }
    }

    async fn answer(&mut self, id: u64, response: &Response) {
        let mut writer = FrameWriter::new();
        writer.push(id, response).unwrap();
        self.stream.write_all(writer.as_bytes()).await.unwrap();
    }
}

async fn connected() -> (Client, Played) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut played = Played { stream: theirs, reader: FrameReader::new() };
    let connecting = tokio::spawn(Client::connect(ours));
    let (id, hello) = played.request().await;
    assert_eq!(hello, format!("Hello {{ version: {PROTOCOL_VERSION} }}"));
    played.answer(id, &Response::Hello { version: PROTOCOL_VERSION }).await;
    (connecting.await.unwrap().unwrap(), played)
}

fn random(client: &Client, length: usize) -> JoinHandle<Result<SecretBytes, KeeperError>> {
    let client = client.clone();
    tokio::spawn(async move { client.generate_random(length).await })
}

fn secret(bytes: &[u8]) -> Response {
    Response::Secret(Secret(SecretBytes::new(bytes.to_vec())))
}

#[tokio::test]
async fn another_version_and_no_version_are_refused() {
    for answer in [Response::Hello { version: PROTOCOL_VERSION + 1 }, Response::Done] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut played = Played { stream: theirs, reader: FrameReader::new() };
        let connecting = tokio::spawn(Client::connect(ours));
        let (id, _) = played.request().await;
        played.answer(id, &answer).await;
        assert_eq!(connecting.await.unwrap().unwrap_err(), KeeperError::Protocol);
    }
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert_eq!(Client::connect(ours).await.unwrap_err(), KeeperError::Gone);
}

#[tokio::test]
async fn calls_are_pipelined_and_answered_in_any_order() {
    let (client, mut keeper) = connected().await;
    let calls: Vec<_> = (1..=300).map(|length| random(&client, length)).collect();
    let mut requests = Vec::new();
    for _ in &calls {
        requests.push(keeper.request().await);
    }
    for (id, request) in requests.iter().rev() {
        keeper.answer(*id, &secret(request.as_bytes())).await;
    }
    for (call, length) in calls.into_iter().zip(1..) {
        let answer = call.await.unwrap().unwrap();
        assert_eq!(answer.expose(), format!("GenerateRandom {{ length: {length} }}").as_bytes());
    }
}

#[tokio::test]
async fn a_dead_keeper_is_gone_for_pending_and_later_calls() {
    let (client, mut keeper) = connected().await;
    let pending = random(&client, 1);
    keeper.request().await;
    drop(keeper);
    assert_eq!(pending.await.unwrap().unwrap_err(), KeeperError::Gone);
    for _ in 0..3 {
        assert_eq!(client.generate_random(1).await.unwrap_err(), KeeperError::Gone);
    }
}

#[tokio::test]
async fn a_keeper_that_breaks_the_protocol_is_gone() {
    let unasked = {
        let mut writer = FrameWriter::new();
        writer.push(12345, &Response::Done).unwrap();
        writer.as_bytes().to_vec()
    };
    let too_long = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes().to_vec();
    for bytes in [unasked, too_long, vec![0; 64]] {
        let (client, mut keeper) = connected().await;
        let pending = random(&client, 1);
        keeper.request().await;
        keeper.stream.write_all(&bytes).await.unwrap();
        // At once, not when the call has waited too long.
        let ended = tokio::time::timeout(Duration::from_secs(20), pending).await.unwrap();
        assert_eq!(ended.unwrap().unwrap_err(), KeeperError::Gone);
        assert_eq!(client.drain().await.unwrap_err(), KeeperError::Gone);
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_disturbs_nobody() {
    let (client, mut keeper) = connected().await;
    let abandoned = random(&client, 1);
    let (abandoned_id, _) = keeper.request().await;
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    let kept = random(&client, 2);
    let (kept_id, _) = keeper.request().await;
    keeper.answer(abandoned_id, &secret(b"late")).await;
    keeper.answer(kept_id, &secret(b"kept")).await;
    assert_eq!(kept.await.unwrap().unwrap().expose(), b"kept");
}

#[tokio::test]
async fn errors_come_through_and_a_wrong_kind_of_answer_is_a_protocol_error() {
    let (client, mut keeper) = connected().await;
    for (answer, expected) in [
        (Response::Failed, KeeperError::Failed),
        (Response::Refused(Reason::WrongPhase), KeeperError::Refused(Reason::WrongPhase)),
        (Response::Done, KeeperError::Protocol),
    ] {
        let call = random(&client, 1);
        let (id, _) = keeper.request().await;
        keeper.answer(id, &answer).await;
        assert_eq!(call.await.unwrap().unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_request_over_the_limit_is_not_sent() {
    let (client, mut keeper) = connected().await;
    let too_large = KeeperError::Refused(Reason::TooLarge);
    assert_eq!(client.unseal(vec![0; FRAME_BYTES_MAX]).await.unwrap_err(), too_large);
    let record = (b"place".to_vec(), vec![0; FRAME_BYTES_MAX]);
    assert_eq!(client.seal_records(vec![record]).await.unwrap_err(), too_large);
    let call = random(&client, 7);
    let (id, request) = keeper.request().await;
    assert_eq!(request, "GenerateRandom { length: 7 }");
    keeper.answer(id, &secret(b"x")).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn many_records_cross_in_several_frames() {
    let (client, mut keeper) = connected().await;
    let records: Vec<_> = (0..RECORDS_MAX + 2).map(|n| (n.to_be_bytes().to_vec(), vec![0; 1])).collect();
    let call = tokio::spawn(async move { client.open_records(records).await });
    for count in [RECORDS_MAX, 2] {
        let (id, request) = keeper.request().await;
        assert_eq!(request.matches("Record {").count(), count);
        let answer = (0..count).map(|n| (n % 2 == 0).then(|| OwnedBytes(vec![1]))).collect();
        keeper.answer(id, &Response::Records(answer)).await;
    }
    let opened = call.await.unwrap().unwrap();
    assert_eq!(opened.len(), RECORDS_MAX + 2);
    assert_eq!(opened.iter().flatten().count(), RECORDS_MAX / 2 + 1);
}

#[tokio::test]
async fn an_answer_with_another_number_of_records_is_refused() {
    let (client, mut keeper) = connected().await;
    let call = tokio::spawn(async move { client.open_records(vec![(vec![], vec![]); 3]).await });
    let (id, _) = keeper.request().await;
    keeper.answer(id, &Response::Records(vec![None; 2])).await;
    assert_eq!(call.await.unwrap().unwrap_err(), KeeperError::Protocol);
}

#[tokio::test]
async fn the_last_client_closes_the_connection() {
    let (client, mut keeper) = connected().await;
    drop(client.clone());
    random(&client, 1).abort();
    drop(client);
    let mut rest = Vec::new();
    keeper.stream.read_to_end(&mut rest).await.unwrap();
}

#[test]
fn batches_are_bounded_by_count_and_bytes() {
    let of = |count, length| batch_length(&vec![(Vec::new(), vec![0; length]); count]);
    assert_eq!(of(3, 10), 3);
    assert_eq!(of(RECORDS_MAX + 1, 10), RECORDS_MAX);
    assert_eq!(of(5, RECORD_BATCH_BYTES_MAX / 2), 1);
    assert_eq!(of(5, RECORD_BATCH_BYTES_MAX / 3 - RECORD_FRAMING_BYTES), 3);
    assert_eq!(of(2, 2 * RECORD_BATCH_BYTES_MAX), 1, "too long for a batch of its own: tried alone");
}

#[test]
fn requests_print_no_secret() {
    let request = Request::InsecureSealMaterial {
        key: KeyPlace {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap(),
            spec: KeySpec::SymmetricDefault,
        },
        material: SecretRef(b"hunter2"),
    };
    let printed = format!("{request:?} {:?}", secret(b"hunter2"));
    assert!(!printed.contains("hunter2") && !printed.contains("104, 117"), "{printed}");
}
