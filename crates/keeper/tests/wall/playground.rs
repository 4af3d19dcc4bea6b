//! A keeper on a thread, with its own seal key in its own folder.

use std::{os::unix::net::UnixStream, path::Path, thread};

use kanuki_keeper::{KeeperOptions, SealSource, insecure_serve};
use kanuki_keeper_protocol::{Client, MaterialPlace, SealedMaterial};
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
    let spec = KeySpec::SymmetricDefault;
    let (material_id, blob) = client.create_material(account(), &region(), key_id(), spec).await.unwrap();
    place(material_id, blob)
}

/// Symmetric key material of these bytes.
pub(crate) async fn fixed(client: &Client, bytes: &[u8]) -> SealedMaterial {
    let (spec, bytes) = (KeySpec::SymmetricDefault, secret(bytes));
    let sealed = client.insecure_seal_material(account(), &region(), key_id(), spec, bytes).await;
    let (material_id, blob) = sealed.unwrap();
    place(material_id, blob)
}

fn place(material_id: kanuki_types::MaterialId, blob: Vec<u8>) -> SealedMaterial {
    let spec = KeySpec::SymmetricDefault;
    SealedMaterial {
        place: MaterialPlace { account: account(), region: region(), key_id: key_id(), material_id, spec },
        blob,
    }
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
