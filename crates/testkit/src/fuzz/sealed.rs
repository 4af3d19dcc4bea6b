//! The harness for sealed blobs: a real keeper opens what it has sealed, and nothing else.
//!
//! Not here: the process wall; the keeper runs on a thread of this process.
//! Invariant: the keeper is started once per thread, because a fuzzer has no time to start one for each input.

use std::{cell::RefCell, io, io::Read as _, io::Write as _, os::unix::net::UnixStream, thread};

use kanuki_keeper::{KeeperOptions, SealSource, insecure_serve};
use kanuki_keeper_protocol::{
    Bytes, FrameReader, FrameWriter, KeyPlace, MaterialPlace, OwnedBytes, PROTOCOL_VERSION, Record, Request, Response,
    Scope, SealedMaterial, SecretRef, decode,
};
use kanuki_types::{KeyId, KeySpec};
use tempfile::TempDir;

thread_local! {
    static SEALED: RefCell<io::Result<Sealed>> = RefCell::new(Sealed::new());
}

/// Changes honest blobs by the bytes, and offers the bytes themselves as blobs: only what was sealed opens, at its own
/// place, and the keeper stays alive. Bytes that change nothing are accepted.
pub fn fuzz_sealed_blob(data: &[u8]) -> bool {
    SEALED.with_borrow_mut(|sealed| {
        assert!(sealed.is_ok(), "the keeper does not start: {:?}", sealed.as_ref().err());
        let outcome = sealed.as_mut().ok().map(|sealed| sealed.judge(data));
        assert!(matches!(outcome, Some(Ok(_))), "the keeper is gone: {outcome:?}");
        outcome.is_some_and(|changed_nothing| changed_nothing.is_ok_and(|it| it))
    })
}

/// A keeper with one of each kind of blob.
struct Sealed {
    keeper: Keeper,
    record: Vec<u8>,
    material: SealedMaterial,
    ciphertext: Vec<u8>,
    access_key: Vec<u8>,
    token: Vec<u8>,
    message: Vec<u8>,
}

impl Sealed {
    fn new() -> io::Result<Self> {
        let mut keeper = Keeper::start()?;
        let records = vec![Record { place: Bytes(PLACE), body: Bytes(PLAINTEXT) }];
        let record = match keeper.ask(&Request::SealRecords { records })? {
            Response::Records(mut records) => records.pop().flatten().ok_or_else(unexpected)?.0,
            _ => return Err(unexpected()),
        };
        let material = keeper.material()?;
        let encrypt =
            Request::Encrypt { material: material.as_ref(), plaintext: SecretRef(PLAINTEXT), aad: Bytes(AAD) };
        let ciphertext = bytes(keeper.ask(&encrypt)?)?;
        let access_key = bytes(keeper.ask(&Request::CreateAccessKey { access_key_id: ACCESS_KEY_ID })?)?;
        let session = Request::IssueSession { access_key_id: ACCESS_KEY_ID, claims: Bytes(b"{}") };
        let token = bytes(keeper.ask(&session)?)?;
        let seal = Request::SealAuthorizationMessage { account: material.place.account, message: Bytes(PLAINTEXT) };
        let message = bytes(keeper.ask(&seal)?)?;
        Ok(Self { keeper, record, material, ciphertext, access_key, token, message })
    }

    /// Whether the bytes change nothing.
    fn judge(&mut self, data: &[u8]) -> io::Result<bool> {
        for (blob, is_honest) in variants(&self.record, data) {
            assert_eq!(self.opens_record(PLACE, &blob)?, is_honest, "a record opens exactly as it was sealed");
        }
        let record = self.record.clone();
        assert_eq!(self.opens_record(data, &record)?, data == PLACE, "a record opens at its own place only");
        for (ciphertext, is_honest) in variants(&self.ciphertext, data) {
            let material = self.material.as_ref();
            let request = Request::Decrypt { material, ciphertext: Bytes(&ciphertext), aad: Bytes(AAD) };
            assert_eq!(is_secret(&self.keeper.ask(&request)?), is_honest, "a ciphertext decrypts as it was made");
        }
        for (blob, is_honest) in variants(&self.material.blob, data) {
            let material = SealedMaterial { blob, ..self.material.clone() };
            let plaintext = SecretRef(PLAINTEXT);
            let request = Request::Encrypt { material: material.as_ref(), plaintext, aad: Bytes(AAD) };
            let encrypts = matches!(self.keeper.ask(&request)?, Response::Bytes(_));
            assert_eq!(encrypts, is_honest, "key material opens exactly as it was sealed");
        }
        for (sealed, is_honest) in variants(&self.access_key, data) {
            let sealed = Bytes(&sealed);
            let request = Request::SigningKey { access_key_id: ACCESS_KEY_ID, sealed, scope: SCOPE };
            assert_eq!(is_secret(&self.keeper.ask(&request)?), is_honest, "an access key opens as it was sealed");
        }
        for (token, is_honest) in variants(&self.token, data) {
            let token = Bytes(&token);
            let request = Request::OpenSession { access_key_id: ACCESS_KEY_ID, token, scope: SCOPE };
            let opens = matches!(self.keeper.ask(&request)?, Response::BytesAndSecret { .. });
            assert_eq!(opens, is_honest, "a session token opens exactly as it was issued");
        }
        for (sealed, is_honest) in variants(&self.message, data) {
            let account = self.material.place.account;
            let request = Request::OpenAuthorizationMessage { account, sealed: Bytes(&sealed) };
            let opens = matches!(self.keeper.ask(&request)?, Response::Bytes(_));
            assert_eq!(opens, is_honest, "a message about a denial opens exactly as it was sealed");
        }
        Ok(changed(&self.record, data) == self.record)
    }

    fn opens_record(&mut self, place: &[u8], blob: &[u8]) -> io::Result<bool> {
        let records = vec![Record { place: Bytes(place), body: Bytes(blob) }];
        let opened = match self.keeper.ask(&Request::OpenRecords { records })? {
            Response::Records(mut records) => records.pop().flatten(),
            _ => None,
        };
        assert!(opened.as_ref().is_none_or(|opened| opened.0 == PLAINTEXT), "a record opens as what it was");
        Ok(opened.is_some())
    }
}

/// The honest blob changed by the bytes, and the bytes alone; each with whether it is the honest blob after all.
fn variants(honest: &[u8], data: &[u8]) -> [(Vec<u8>, bool); 2] {
    [changed(honest, data), data.to_vec()].map(|blob| {
        let is_honest = blob == honest;
        (blob, is_honest)
    })
}

/// The blob with each byte of the data added to it by exclusive or, as often as it is long.
fn changed(honest: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = honest.to_vec();
    for piece in data.chunks(honest.len().max(1)) {
        out.iter_mut().zip(piece).for_each(|(byte, change)| *byte ^= change);
    }
    out
}

/// A keeper on a thread, asked one thing at a time.
struct Keeper {
    stream: UnixStream,
    reader: FrameReader,
    /// Holds the key file as long as the keeper may want it.
    _folder: TempDir,
}

impl Keeper {
    fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = KeeperOptions {
            seal: SealSource::KeyFile(folder.path().join("key")),
            create_seal_key: true,
            insecure_fixed_material: false,
        };
        let (stream, other) = UnixStream::pair()?;
        thread::Builder::new().spawn(move || insecure_serve(other, options))?;
        let mut keeper = Self { stream, reader: FrameReader::new(), _folder: folder };
        keeper.ask(&Request::Hello { version: PROTOCOL_VERSION })?;
        bytes(keeper.ask(&Request::Initialise)?)?;
        Ok(keeper)
    }

    fn ask(&mut self, request: &Request<'_>) -> io::Result<Response> {
        let mut writer = FrameWriter::new();
        writer.push(0, request).map_err(io::Error::other)?;
        self.stream.write_all(writer.as_bytes())?;
        loop {
            if let Some(frame) = self.reader.next().map_err(io::Error::other)? {
                return decode(frame.body).map_err(io::Error::other);
            }
            let count = self.stream.read(self.reader.space())?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.reader.advance(count);
        }
    }

    fn material(&mut self) -> io::Result<SealedMaterial> {
        let account = "111122223333".parse().map_err(io::Error::other)?;
        let region: kanuki_types::Region = "us-east-1".parse().map_err(io::Error::other)?;
        let (key_id, spec) = (KeyId::single_region([1; 16]), KeySpec::SymmetricDefault);
        let key = KeyPlace { account, region: region.clone(), key_id, spec };
        match self.ask(&Request::CreateMaterial { key })? {
            Response::Material { material_id, blob: OwnedBytes(blob), .. } => {
                Ok(SealedMaterial { place: MaterialPlace { account, region, key_id, material_id, spec }, blob })
            }
            _ => Err(unexpected()),
        }
    }
}

/// The bytes of an answer that has some.
fn bytes(response: Response) -> io::Result<Vec<u8>> {
    match response {
        Response::Bytes(OwnedBytes(bytes)) | Response::BytesAndSecret { bytes: OwnedBytes(bytes), .. } => Ok(bytes),
        _ => Err(unexpected()),
    }
}

fn is_secret(response: &Response) -> bool {
    matches!(response, Response::Secret(_))
}

fn unexpected() -> io::Error {
    io::Error::other("the keeper answered something else")
}

const PLACE: &[u8] = b"keyspace key version";
const PLAINTEXT: &[u8] = b"what is sealed";
const AAD: &[u8] = &[0, 0];
const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SCOPE: Scope<'_> = Scope { date: "20150830", region: "us-east-1", service: "kms" };
