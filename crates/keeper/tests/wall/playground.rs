//! A keeper on a thread, with its own seal key in its own folder.

use std::{os::unix::net::UnixStream, path::Path, thread};

use kanuki_keeper::{KeeperOptions, SealSource, insecure_serve};
use kanuki_keeper_protocol::{Client, KeeperError, MaterialPlace, NewMaterial, Reason, SealedMaterial};
use kanuki_types::{AccountId, KeyId, KeySpec, Region, SecretBytes};
use tempfile::TempDir;

/// Options that make a key file in a folder.
pub(crate) fn options(folder: &Path) -> KeeperOptions {
    KeeperOptions {
        seal: SealSource::KeyFile(folder.join("seal.key")),
        create_seal_key: true,
        insecure_fixed_material: true,
    }
}

/// The raw stream to a new keeper.
pub(crate) fn stream(options: KeeperOptions) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // Ends with the stream; a protocol error is seen as a closed one.
    thread::spawn(move || insecure_serve(theirs, options));
    ours
}

/// A client of a new keeper, still sealed.
pub(crate) async fn sealed(options: KeeperOptions) -> Client {
    let stream = stream(options);
    stream.set_nonblocking(true).unwrap();
    Client::connect(tokio::net::UnixStream::from_std(stream).unwrap()).await.unwrap()
}

/// A client of a keeper with a new keyring. The folder holds its seal key.
pub(crate) async fn ready() -> (Client, Vec<u8>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let client = sealed(options(folder.path())).await;
    let keyring = client.initialise().await.unwrap();
    (client, keyring, folder)
}

pub(crate) fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

pub(crate) fn region() -> Region {
    "us-east-1".parse().unwrap()
}

pub(crate) fn key_id() -> KeyId {
    "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap()
}

/// New symmetric key material.
pub(crate) async fn material(client: &Client) -> SealedMaterial {
    made(client, KeySpec::SymmetricDefault).await.0
}

/// Symmetric key material of these bytes.
pub(crate) async fn fixed(client: &Client, bytes: &[u8]) -> SealedMaterial {
    given(client, KeySpec::SymmetricDefault, bytes).await.unwrap().0
}

/// New key material of a spec, and its public half (empty if it has none).
pub(crate) async fn made(client: &Client, spec: KeySpec) -> (SealedMaterial, Vec<u8>) {
    let new = client.create_material(account(), &region(), key_id(), spec).await.unwrap();
    placed(spec, new)
}

/// Key material of a spec, of these bytes, and its public half (empty if it has none).
pub(crate) async fn given(
    client: &Client,
    spec: KeySpec,
    bytes: &[u8],
) -> Result<(SealedMaterial, Vec<u8>), KeeperError> {
    let new = client.insecure_seal_material(account(), &region(), key_id(), spec, secret(bytes)).await?;
    Ok(placed(spec, new))
}

/// New key material at the place for which it was made.
pub(crate) fn placed(spec: KeySpec, new: NewMaterial) -> (SealedMaterial, Vec<u8>) {
    let NewMaterial { id: material_id, sealed: blob, public_key } = new;
    let place = MaterialPlace { account: account(), region: region(), key_id: key_id(), material_id, spec };
    (SealedMaterial { place, blob }, public_key.unwrap_or_default())
}

pub(crate) fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

/// Whether bytes contain a secret in the clear, in hexadecimal digits or in Base64.
pub(crate) fn shows(bytes: &[u8], secret: &[u8]) -> bool {
    use base64::Engine as _;
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
    [secret, hex.as_bytes(), hex.to_uppercase().as_bytes(), base64.as_bytes()]
        .iter()
        .any(|form| bytes.windows(form.len()).any(|window| window == *form))
}

/// A refusal.
pub(crate) fn refused<T>(reason: Reason) -> Result<T, KeeperError> {
    Err(KeeperError::Refused(reason))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap();
    text.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).unwrap()).collect()
}
