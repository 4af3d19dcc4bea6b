//! Which message is answered in which phase: the table of `protocol.md`.

use kanuki_keeper_protocol::{KeeperError, Reason};
use kanuki_types::KeySpec;

use crate::playground::{account, key_id, material, options, ready, region, sealed, secret};

const WRONG_PHASE: KeeperError = KeeperError::Refused(Reason::WrongPhase);

/// Every message of the ready phase, with arguments that are good where it is answered.
async fn operations(
    client: &kanuki_keeper_protocol::Client,
    material: &kanuki_keeper_protocol::SealedMaterial,
) -> Vec<Option<KeeperError>> {
    let m = || material.clone();
    let spec = KeySpec::SymmetricDefault;
    let scope = ("20150830", "us-east-1", "iam");
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
    ]
}

#[tokio::test]
async fn operations_are_answered_in_the_ready_phase_only() {
    let (client, keyring, folder) = ready().await;
    let material = material(&client).await;
    let answered = operations(&client, &material).await;
    assert!(answered.iter().all(|error| matches!(error, None | Some(KeeperError::Failed))), "{answered:?}");
    assert_eq!(answered.iter().flatten().count(), 4, "those with an empty ciphertext: {answered:?}");

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
