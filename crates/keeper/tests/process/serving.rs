//! A real, hardened keeper serves, dies and is succeeded.

use std::{
    io::Read as _,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use kanuki_keeper_protocol::{Client, KeeperError, MaterialPlace, SealedMaterial};
use kanuki_types::{EncryptionAlgorithm, KeySpec, MessageType, SecretBytes, SigningAlgorithm};

const PROBE: &str = env!("CARGO_BIN_EXE_insecure-keeper-probe");

/// Starts a real, hardened keeper.
async fn keeper(kind: &str, path: &Path) -> (Client, Child) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = Command::new(PROBE)
        .args(["keeper", kind, path.to_str().unwrap()])
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    ours.set_nonblocking(true).unwrap();
    let client = Client::connect(tokio::net::UnixStream::from_std(ours).unwrap()).await.unwrap();
    (client, child)
}

async fn material(client: &Client, spec: KeySpec) -> SealedMaterial {
    let account = "111122223333".parse().unwrap();
    let region = "us-east-1".parse().unwrap();
    let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap();
    let new = client.create_material(account, &region, key_id, spec).await.unwrap();
    let place = MaterialPlace { account, region, key_id, material_id: new.id, spec };
    SealedMaterial { place, blob: new.sealed }
}

async fn stop(client: Client, mut child: Child) -> String {
    drop(client);
    // The connection's tasks end when the keeper does.
    let status = tokio::task::spawn_blocking(move || (child.wait().unwrap(), child)).await.unwrap();
    let (status, mut child) = status;
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success(), "{errors}");
    errors
}

#[tokio::test]
async fn a_hardened_keeper_works_and_its_successor_opens_what_it_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple\n").unwrap();
    std::fs::set_permissions(&passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for (kind, path) in [("key-file", folder.path().join("seal.key")), ("passphrase", passphrase)] {
        let (client, child) = keeper(kind, &path).await;
        let keyring = client.initialise().await.unwrap();
        let material = material(&client, KeySpec::SymmetricDefault).await;
        let plaintext = SecretBytes::new(b"attack at dawn".to_vec());
        let ciphertext = client.encrypt(material.as_ref(), &plaintext, b"aad").await.unwrap();
        let sealed = client.seal_records(vec![(b"p".to_vec(), vec![7; 200_000]); 40]).await.unwrap();
        client.create_access_key("AKIDEXAMPLE").await.unwrap();
        let report = stop(client, child).await;
        assert!(report.contains("protection=system_calls in_force=true"), "{report}");
        assert!(report.contains("protection=tracing in_force=true"), "{report}");

        let (client, child) = keeper(kind, &path).await;
        client.unseal(keyring).await.unwrap();
        let opened = client.decrypt(material.as_ref(), &ciphertext, b"aad").await.unwrap();
        assert_eq!(opened.expose(), b"attack at dawn");
        let records = sealed.into_iter().map(|record| (b"p".to_vec(), record)).collect();
        assert!(client.open_records(records).await.unwrap().iter().all(|r| r.as_deref() == Some(&[7; 200_000])));
        stop(client, child).await;
    }
}

/// The workers run under the same filter as the thread that serves: every kind of key, made and used.
#[tokio::test]
async fn a_hardened_keeper_does_slow_work() {
    let folder = tempfile::tempdir().unwrap();
    let (client, child) = keeper("key-file", &folder.path().join("seal.key")).await;
    client.initialise().await.unwrap();
    for (spec, algorithm) in [
        (KeySpec::Rsa2048, SigningAlgorithm::RsassaPssSha256),
        (KeySpec::Rsa4096, SigningAlgorithm::RsassaPkcs1V15Sha512),
        (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512),
        (KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512),
        (KeySpec::MlDsa87, SigningAlgorithm::MlDsaShake256),
    ] {
        let material = material(&client, spec).await;
        let signature = client.sign(material.as_ref(), algorithm, MessageType::Raw, b"m").await.unwrap();
        let good = client.verify(material.as_ref(), algorithm, MessageType::Raw, b"m", &signature).await;
        assert_eq!(good, Ok(true), "{spec}");
    }
    let kem = material(&client, KeySpec::MlKem1024).await;
    let (ciphertext, secret) = client.encapsulate(kem.as_ref()).await.unwrap();
    assert!(client.decapsulate(kem.as_ref(), &ciphertext).await.unwrap() == secret);
    let rsa = material(&client, KeySpec::Rsa2048).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (client, rsa) = (client.clone(), rsa.clone());
            let plaintext = SecretBytes::new(b"attack at dawn".to_vec());
            tokio::spawn(async move {
                let oaep = EncryptionAlgorithm::RsaesOaepSha256;
                let ciphertext = client.asymmetric_encrypt(rsa.as_ref(), oaep, &plaintext).await.unwrap();
                client.asymmetric_decrypt(rsa.as_ref(), oaep, &ciphertext).await.unwrap() == plaintext
            })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    client.drain().await.unwrap();
    stop(client, child).await;
}

#[tokio::test]
async fn a_killed_keeper_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (client, mut child) = keeper("key-file", &folder.path().join("seal.key")).await;
    client.initialise().await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(client.generate_random(32).await.unwrap_err(), KeeperError::Gone);
}

#[test]
fn without_a_socket_or_a_seal_it_says_why_and_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let run = |path: &Path, input: Stdio| {
        let output = Command::new(PROBE).args(["keeper", "passphrase", path.to_str().unwrap()]).stdin(input).output();
        let output = output.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let missing = folder.path().join("missing");
    assert!(run(&missing, Stdio::null()).contains("standard input is no connected socket"));
    let (_ours, theirs) = UnixStream::pair().unwrap();
    assert!(run(&missing, OwnedFd::from(theirs).into()).contains("no such file"));
}
