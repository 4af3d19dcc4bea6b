//! Which message is answered in which phase: the table of `protocol.md`.

use kanuki_keeper_protocol::{
    Bytes, Client, ForeignAlgorithm, ForeignKey, KeeperError, MfaSteps, Reason, SealedMaterial,
};
use kanuki_types::{
    DataKeyPairSpec, EncryptionAlgorithm, KeySpec, MacAlgorithm, MessageType, SigningAlgorithm, Timestamp,
    WrappingAlgorithm, WrappingKeySpec,
};

use crate::playground::{account, key_id, made, material, options, ready, region, sealed, secret};

const WRONG_PHASE: KeeperError = KeeperError::Refused(Reason::WrongPhase);

/// Every message of the ready phase, with arguments that are good where it is answered.
async fn operations(client: &Client, material: &SealedMaterial) -> Vec<Option<KeeperError>> {
    let m = || material.clone();
    let spec = KeySpec::SymmetricDefault;
    let scope = ("20150830", "us-east-1", "iam");
    let steps = MfaSteps { present: 1, reach: 1, last_taken: None };
    let rsa_key = ForeignKey::Rsa { modulus: Bytes(&[]), exponent: Bytes(&[]) };
    vec![
        client.rotate_domain_key().await.err(),
        client.create_material(account(), &region(), key_id(), spec).await.err(),
        client.insecure_seal_material(account(), &region(), key_id(), spec, secret(&[1; 32])).await.err(),
        client.encrypt(m().as_ref(), &secret(b"x"), &[]).await.err(),
        client.decrypt(m().as_ref(), &[], &[]).await.err(),
        client.re_encrypt(m().as_ref(), &[], &[], m().as_ref(), &[]).await.err(),
        client.generate_data_key(m().as_ref(), 32, &[]).await.err(),
        client.generate_data_key_without_plaintext(m().as_ref(), 32, &[]).await.err(),
        client.generate_random(32).await.err(),
        client.seal_records(vec![(vec![1], vec![2])]).await.err(),
        client.open_records(vec![(vec![1], vec![2])]).await.err(),
        client.create_access_key("AKIA").await.err(),
        client.signing_key("AKIA", vec![], scope.0, scope.1, scope.2).await.err(),
        client.issue_session("ASIA", vec![]).await.err(),
        client.open_session("ASIA", vec![], scope.0, scope.1, scope.2).await.err(),
        client.seal_authorization_message(account(), b"x").await.err(),
        client.open_authorization_message(account(), b"x").await.err(),
        client.create_mfa_seed("device").await.err(),
        client.check_mfa_code("device", &[], "000000", None, steps).await.err(),
        client.verify_foreign(rsa_key, ForeignAlgorithm::Rs256, b"x", b"y").await.err(),
    ]
}

/// The messages for keys of other specs, with arguments that are good where they are answered.
async fn other_operations(client: &Client, keys: &[(SealedMaterial, Vec<u8>); 5]) -> Vec<Option<KeeperError>> {
    let [symmetric, rsa, ec, hmac, kem] = keys.each_ref().map(|(material, _)| material);
    let (raw, oaep) = (MessageType::Raw, EncryptionAlgorithm::RsaesOaepSha256);
    let (pss, sha256) = (SigningAlgorithm::RsassaPssSha256, MacAlgorithm::HmacSha256);
    let (wrapping, spec) = (WrappingAlgorithm::RsaesOaepSha256, KeySpec::SymmetricDefault);
    let now = Timestamp::from_seconds(0);
    let aes = EncryptionAlgorithm::SymmetricDefault;
    let (account, region, id) = (account(), region(), key_id());
    let rsa_2048 = WrappingKeySpec::Rsa2048;
    vec![
        client.public_key(rsa.as_ref()).await.err(),
        client.sign(rsa.as_ref(), pss, raw, b"x").await.err(),
        client.verify(rsa.as_ref(), pss, raw, b"x", b"y").await.err(),
        client.mac(hmac.as_ref(), sha256, b"x").await.err(),
        client.verify_mac(hmac.as_ref(), sha256, b"x", b"y").await.err(),
        client.asymmetric_encrypt(rsa.as_ref(), oaep, &secret(b"x")).await.err(),
        client.derive_shared_secret(ec.as_ref(), &keys[2].1).await.err(),
        client.encapsulate(kem.as_ref()).await.err(),
        client.generate_data_key_pair(symmetric.as_ref(), DataKeyPairSpec::EccNistP256, &[], true).await.err(),
        client.import_parameters(account, &region, id, spec, wrapping, rsa_2048, now).await.err(),
        // These fail or are refused where they are answered, for there is nothing to open.
        client.asymmetric_decrypt(rsa.as_ref(), oaep, b"x").await.err(),
        client.decapsulate(kem.as_ref(), b"x").await.err(),
        client.re_encrypt_with(rsa.as_ref(), oaep, b"x", &[], symmetric.as_ref(), aes, &[]).await.err(),
        client.import_material(account, &region, id, spec, b"x", b"y", now).await.err(),
        client.reseal_material(symmetric.as_ref(), &"us-east-2".parse().unwrap()).await.err(),
    ]
}

#[tokio::test]
async fn operations_with_other_keys_are_answered_in_the_ready_phase_only() {
    let (client, keyring, folder) = ready().await;
    let keys = [
        made(&client, KeySpec::SymmetricDefault).await,
        made(&client, KeySpec::Rsa2048).await,
        made(&client, KeySpec::EccNistP256).await,
        made(&client, KeySpec::Hmac256).await,
        made(&client, KeySpec::MlKem512).await,
    ];
    let answered = other_operations(&client, &keys).await;
    assert!(answered[..10].iter().all(Option::is_none), "{answered:?}");
    assert_eq!(answered[10..13], [Some(KeeperError::Failed); 3]);
    assert_eq!(answered[13], Some(KeeperError::Refused(Reason::ImportTokenInvalid)));
    // The key is a single-Region key.
    assert_eq!(answered[14], Some(KeeperError::Refused(Reason::BadRequest)));

    let fresh = sealed(options(folder.path())).await;
    assert!(other_operations(&fresh, &keys).await.iter().all(|error| *error == Some(WRONG_PHASE)));
    fresh.unseal(keyring).await.unwrap();
    fresh.drain().await.unwrap();
    assert!(other_operations(&fresh, &keys).await.iter().all(|error| *error == Some(WRONG_PHASE)));
}

#[tokio::test]
async fn operations_are_answered_in_the_ready_phase_only() {
    let (client, keyring, folder) = ready().await;
    let material = material(&client).await;
    let answered = operations(&client, &material).await;
    assert!(answered.iter().all(|error| matches!(error, None | Some(KeeperError::Failed))), "{answered:?}");
    assert_eq!(answered.iter().flatten().count(), 6, "those with an empty ciphertext: {answered:?}");

    let fresh = sealed(options(folder.path())).await;
    assert!(operations(&fresh, &material).await.iter().all(|error| *error == Some(WRONG_PHASE)));
    fresh.unseal(keyring.clone()).await.unwrap();
    assert_eq!(fresh.unseal(keyring.clone()).await, Err(WRONG_PHASE));
    assert_eq!(fresh.initialise().await, Err(WRONG_PHASE));

    fresh.drain().await.unwrap();
    assert!(operations(&fresh, &material).await.iter().all(|error| *error == Some(WRONG_PHASE)));
    assert_eq!(fresh.unseal(keyring).await, Err(WRONG_PHASE));
    assert_eq!(fresh.initialise().await, Err(WRONG_PHASE));
    fresh.drain().await.unwrap();
}

#[tokio::test]
async fn a_keyring_opens_under_its_own_seal_only_and_a_refusal_leaves_the_keeper_sealed() {
    let (_, keyring, folder) = ready().await;
    let (_, other_keyring, _other_folder) = ready().await;
    let client = sealed(options(folder.path())).await;
    assert_eq!(client.unseal(other_keyring).await, Err(KeeperError::Failed));
    assert_eq!(client.unseal(vec![]).await, Err(KeeperError::Failed));
    assert_eq!(client.generate_random(1).await.err(), Some(WRONG_PHASE));
    client.unseal(keyring).await.unwrap();
    client.generate_random(1).await.unwrap();
}

#[tokio::test]
async fn a_rotated_keyring_opens_everything_and_seals_anew() {
    let (client, _, folder) = ready().await;
    let material = material(&client).await;
    let ciphertext = client.encrypt(material.as_ref(), &secret(b"x"), &[]).await.unwrap();
    let sealed_record = client.seal_records(vec![(b"p".to_vec(), b"r".to_vec())]).await.unwrap().remove(0);
    let rotated = client.rotate_domain_key().await.unwrap();

    let after = sealed(options(folder.path())).await;
    after.unseal(rotated).await.unwrap();
    assert_eq!(after.decrypt(material.as_ref(), &ciphertext, &[]).await.unwrap().expose(), b"x");
    let opened = after.open_records(vec![(b"p".to_vec(), sealed_record)]).await.unwrap();
    assert_eq!(opened, [Some(b"r".to_vec())]);
    let new = after.seal_records(vec![(b"p".to_vec(), b"r".to_vec())]).await.unwrap().remove(0);
    assert_eq!(client.open_records(vec![(b"p".to_vec(), new)]).await.unwrap(), [None], "unknown to the old keyring");
}
