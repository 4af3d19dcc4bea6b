//! Sealed forms of released versions must open for ever: `vectors/keeper/v1.json`.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::PathBuf};

use kanuki_keeper_protocol::{Client, MaterialPlace, SealedMaterial};
use kanuki_types::KeySpec;

use crate::playground::{account, fixed, hex, key_id, options, region, sealed, secret, unhex};

type Golden = BTreeMap<String, String>;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/keeper/v1.json")
}

const MATERIAL: [u8; 32] = [0x42; 32];
const SCOPE: (&str, &str, &str) = ("20260102", "us-east-1", "kms");

#[tokio::test]
async fn the_first_version_opens() {
    let golden: Golden = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    let bytes = |name: &str| unhex(&golden[name]);
    let folder = tempfile::tempdir().unwrap();
    let seal_key = folder.path().join("seal.key");
    std::fs::write(&seal_key, &golden["seal_key_file"]).unwrap();
    std::fs::set_permissions(&seal_key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let client = sealed(options(folder.path())).await;
    client.unseal(bytes("keyring")).await.unwrap();

    let material_id = golden["material_id"].parse().unwrap();
    let spec = KeySpec::SymmetricDefault;
    let place = MaterialPlace { account: account(), region: region(), key_id: key_id(), material_id, spec };
    let material = SealedMaterial { place, blob: bytes("material") };
    let opened = client.decrypt(material.as_ref(), &bytes("ciphertext"), b"aad").await.unwrap();
    assert_eq!(opened.expose(), b"plaintext");
    assert_eq!(fixed(&client, &MATERIAL).await.place.material_id, material_id);
    let record = (b"place".to_vec(), bytes("record"));
    assert_eq!(client.open_records(vec![record]).await.unwrap(), [Some(b"record".to_vec())]);
    let key = client.signing_key("AKIAEXAMPLE", bytes("access_key"), SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
    assert_eq!(hex(key.expose()), golden["access_signing_key"]);
    let opened = client.open_session("ASIAEXAMPLE", bytes("token"), SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
    assert_eq!(
        (opened.0.as_slice(), hex(opened.1.expose())),
        (b"claims".as_slice(), golden["token_signing_key"].clone())
    );
}

/// Writes the file anew. Only for a new version of a format, under a new name; what is released stays.
#[tokio::test]
#[ignore = "writes vectors/keeper/v1.json"]
async fn write_the_first_version() {
    let folder = tempfile::tempdir().unwrap();
    let client = sealed(options(folder.path())).await;
    let golden = make(&client, &folder.path().join("seal.key")).await;
    let text = serde_json::to_string_pretty(&golden).unwrap() + "\n";
    std::fs::create_dir_all(path().parent().unwrap()).unwrap();
    std::fs::write(path(), text).unwrap();
}

async fn make(client: &Client, seal_key: &std::path::Path) -> Golden {
    let keyring = client.initialise().await.unwrap();
    let material = fixed(client, &MATERIAL).await;
    let ciphertext = client.encrypt(material.as_ref(), &secret(b"plaintext"), b"aad").await.unwrap();
    let record = client.seal_records(vec![(b"place".to_vec(), b"record".to_vec())]).await.unwrap().remove(0);
    let (access_key, _) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    let key = client.signing_key("AKIAEXAMPLE", access_key.clone(), SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
    let (token, _) = client.issue_session("ASIAEXAMPLE", b"claims".to_vec()).await.unwrap();
    let session = client.open_session("ASIAEXAMPLE", token.clone(), SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
    [
        ("seal_key_file", std::fs::read_to_string(seal_key).unwrap()),
        ("keyring", hex(&keyring)),
        ("material_id", material.place.material_id.to_string()),
        ("material", hex(&material.blob)),
        ("ciphertext", hex(&ciphertext)),
        ("record", hex(&record)),
        ("access_key", hex(&access_key)),
        ("access_signing_key", hex(key.expose())),
        ("token", hex(&token)),
        ("token_signing_key", hex(session.1.expose())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
