//! Sealed keys and import tokens of released versions must open for ever: `vectors/keeper/keys-v1.json`.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::PathBuf};

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use kanuki_keeper_protocol::{Client, MaterialPlace, SealedMaterial};
use kanuki_types::{
    KeySpec, MacAlgorithm, MessageType, SigningAlgorithm, Timestamp, WrappingAlgorithm, WrappingKeySpec,
};
use serde::{Deserialize, Serialize};

use crate::playground::{account, hex, key_id, made, options, region, sealed, unhex};

#[derive(Serialize, Deserialize)]
struct Golden {
    seal_key_file: String,
    keyring: String,
    keys: BTreeMap<String, Key>,
    import_token: String,
    import_encrypted: String,
    import_material_id: String,
}

#[derive(Serialize, Deserialize)]
struct Key {
    material_id: String,
    blob: String,
    public_key: String,
    /// A signature or MAC of `message`, or an encapsulated secret.
    made: String,
    /// The secret that was encapsulated.
    secret: Option<String>,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/keeper/keys-v1.json")
}

const SIGNING: [(KeySpec, SigningAlgorithm); 4] = [
    (KeySpec::Rsa2048, SigningAlgorithm::RsassaPssSha256),
    (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
    (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512),
    (KeySpec::MlDsa44, SigningAlgorithm::MlDsaShake256),
];
const MESSAGE: &[u8] = b"message";
const VALID_TO: Timestamp = Timestamp::from_seconds(1_000_000);

#[tokio::test]
async fn the_first_version_of_keys_opens() {
    let golden: Golden = serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seal_key = folder.path().join("seal.key");
    std::fs::write(&seal_key, &golden.seal_key_file).unwrap();
    std::fs::set_permissions(&seal_key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let client = sealed(options(folder.path())).await;
    client.unseal(unhex(&golden.keyring)).await.unwrap();
    let key = |spec: KeySpec| {
        let key = &golden.keys[spec.as_str()];
        let material_id = key.material_id.parse().unwrap();
        let place = MaterialPlace { account: account(), region: region(), key_id: key_id(), material_id, spec };
        (SealedMaterial { place, blob: unhex(&key.blob) }, key, unhex(&key.made))
    };
    for (spec, algorithm) in SIGNING {
        let (material, key, made) = key(spec);
        assert_eq!(hex(&client.public_key(material.as_ref()).await.unwrap()), key.public_key, "{spec}");
        let good = client.verify(material.as_ref(), algorithm, MessageType::Raw, MESSAGE, &made).await;
        assert_eq!(good, Ok(true), "{spec}");
    }
    let (material, _, made) = key(KeySpec::Hmac384);
    assert_eq!(client.mac(material.as_ref(), MacAlgorithm::HmacSha384, MESSAGE).await.unwrap(), made);
    let (material, kem, made) = key(KeySpec::MlKem768);
    assert_eq!(hex(&client.public_key(material.as_ref()).await.unwrap()), kem.public_key);
    let secret = client.decapsulate(material.as_ref(), &made).await.unwrap();
    assert_eq!(Some(hex(secret.expose())), kem.secret);
    let (token, encrypted) = (unhex(&golden.import_token), unhex(&golden.import_encrypted));
    let (spec, region) = (KeySpec::SymmetricDefault, region());
    let imported = client.import_material(account(), &region, key_id(), spec, &token, &encrypted, VALID_TO).await;
    assert_eq!(imported.unwrap().id.to_string(), golden.import_material_id);
}

/// Writes the file anew. Only for a new version of a format, under a new name; what is released stays.
#[tokio::test]
#[ignore = "writes vectors/keeper/keys-v1.json"]
async fn write_the_first_version_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let client = sealed(options(folder.path())).await;
    let golden = make(&client, &folder.path().join("seal.key")).await;
    std::fs::write(path(), serde_json::to_string_pretty(&golden).unwrap() + "\n").unwrap();
}

async fn make(client: &Client, seal_key: &std::path::Path) -> Golden {
    let keyring = hex(&client.initialise().await.unwrap());
    let mut keys = BTreeMap::new();
    let mut keep = |material: SealedMaterial, public_key: &[u8], made: &[u8], secret: Option<String>| {
        let SealedMaterial { place, blob } = material;
        let (material_id, public_key) = (place.material_id.to_string(), hex(public_key));
        let key = Key { material_id, blob: hex(&blob), public_key, made: hex(made), secret };
        keys.insert(place.spec.as_str().to_owned(), key);
    };
    for (spec, algorithm) in SIGNING {
        let (material, public_key) = made(client, spec).await;
        let signature = client.sign(material.as_ref(), algorithm, MessageType::Raw, MESSAGE).await.unwrap();
        keep(material, &public_key, &signature, None);
    }
    let (material, _) = made(client, KeySpec::Hmac384).await;
    let mac = client.mac(material.as_ref(), MacAlgorithm::HmacSha384, MESSAGE).await.unwrap();
    keep(material, &[], &mac, None);
    let (material, public_key) = made(client, KeySpec::MlKem768).await;
    let (ciphertext, secret) = client.encapsulate(material.as_ref()).await.unwrap();
    keep(material, &public_key, &ciphertext, Some(hex(secret.expose())));

    let (spec, algorithm, size) =
        (KeySpec::SymmetricDefault, WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
    let (token, public_key) =
        client.import_parameters(account(), &region(), key_id(), spec, algorithm, size, VALID_TO).await.unwrap();
    let public_key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&public_key).unwrap()).unwrap();
    let mut encrypted = vec![0; public_key.ciphertext_size()];
    public_key.encrypt(&OAEP_SHA256_MGF1SHA256, &[0x42; 32], &mut encrypted, None).unwrap();
    let imported = client.import_material(account(), &region(), key_id(), spec, &token, &encrypted, VALID_TO).await;
    Golden {
        seal_key_file: std::fs::read_to_string(seal_key).unwrap(),
        keyring,
        keys,
        import_token: hex(&token),
        import_encrypted: hex(&encrypted),
        import_material_id: imported.unwrap().id.to_string(),
    }
}
