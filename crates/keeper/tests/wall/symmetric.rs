//! Encrypt, Decrypt, ReEncrypt, data keys and random bytes.

use kanuki_keeper_protocol::{
    CIPHERTEXT_OVERHEAD, CiphertextHeader, Client, GENERATED_BYTES_MAX, KeeperError, PLAINTEXT_BYTES_MAX, Reason,
    SealedMaterial,
};

use crate::playground::{fixed, material, ready, secret, shows};

async fn refused(client: &Client, material: &SealedMaterial, ciphertext: Vec<u8>, aad: &[u8]) -> bool {
    client.decrypt(material.as_ref(), &ciphertext, aad).await.err() == Some(KeeperError::Failed)
}

#[tokio::test]
async fn round_trip_with_exact_overhead() {
    let (client, _, _folder) = ready().await;
    let material = material(&client).await;
    for length in [0, 1, 32, PLAINTEXT_BYTES_MAX] {
        let plaintext = vec![0x5a; length];
        let blob = client.encrypt(material.as_ref(), &secret(&plaintext), b"aad").await.unwrap();
        assert_eq!(blob.len(), length + 152);
        assert_eq!(blob.len(), length + CIPHERTEXT_OVERHEAD);
        let header = CiphertextHeader::parse(&blob).unwrap();
        let place = &material.place;
        assert_eq!(
            (header.account, header.key_id, header.material_id),
            (place.account, place.key_id, place.material_id)
        );
        let opened = client.decrypt(material.as_ref(), &blob, b"aad").await.unwrap();
        assert_eq!(opened.expose(), plaintext);
    }
    let too_large = KeeperError::Refused(Reason::TooLarge);
    let plaintext = secret(&[0; PLAINTEXT_BYTES_MAX + 1]);
    assert_eq!(client.encrypt(material.as_ref(), &plaintext, &[]).await.err(), Some(too_large));
    let ciphertext = vec![1; PLAINTEXT_BYTES_MAX + CIPHERTEXT_OVERHEAD + 1];
    assert_eq!(client.decrypt(material.as_ref(), &ciphertext, &[]).await.err(), Some(too_large));
}

#[tokio::test]
async fn every_change_and_every_truncation_is_refused() {
    let (client, _, _folder) = ready().await;
    let material = material(&client).await;
    let blob = client.encrypt(material.as_ref(), &secret(b"attack at dawn"), b"aad").await.unwrap();
    for at in 0..blob.len() {
        for bit in 0..8 {
            let mut changed = blob.clone();
            changed[at] ^= 1 << bit;
            assert!(refused(&client, &material, changed, b"aad").await, "byte {at}, bit {bit}");
        }
        assert!(refused(&client, &material, blob[..at].to_vec(), b"aad").await, "cut at {at}");
    }
    assert!(refused(&client, &material, [blob.as_slice(), &[0]].concat(), b"aad").await);
    for aad in [b"".as_slice(), b"aa", b"aad\0", b"aae"] {
        assert!(refused(&client, &material, blob.clone(), aad).await, "{aad:?}");
    }
}

#[tokio::test]
async fn the_same_twice_differs_in_every_random_field() {
    let (client, _, _folder) = ready().await;
    let material = material(&client).await;
    let mut blobs = Vec::new();
    for _ in 0..2 {
        blobs.push(client.encrypt(material.as_ref(), &secret(&[0; 32]), &[]).await.unwrap());
    }
    for field in [57..73, 73..85, 85..117, 136..168, 168..184] {
        assert_ne!(blobs[0][field.clone()], blobs[1][field.clone()], "{field:?}");
    }
    assert_eq!(blobs[0][..57], blobs[1][..57]);
}

#[tokio::test]
async fn another_material_under_the_same_name_is_refused() {
    let (client, _, _folder) = ready().await;
    let (first, second) = (fixed(&client, &[1; 32]).await, fixed(&client, &[2; 32]).await);
    assert_ne!(first.place.material_id, second.place.material_id);
    let blob = client.encrypt(first.as_ref(), &secret(b"x"), &[]).await.unwrap();
    assert!(refused(&client, &second, blob.clone(), b"").await);
    let mut renamed = blob;
    renamed[25..57].copy_from_slice(second.place.material_id.as_bytes());
    assert!(refused(&client, &second, renamed, b"").await);
}

/// "Importing key material" of the AWS KMS developer guide: the same material in two keys does not make them one.
#[tokio::test]
async fn the_same_material_in_another_key_is_refused() {
    let (client, _, _folder) = ready().await;
    let first = fixed(&client, &[1; 32]).await;
    let mut second = first.clone();
    second.place.key_id = "1234abcd-12ab-34cd-56ef-1234567890ac".parse().unwrap();
    let place = &second.place;
    let sealed =
        client.insecure_seal_material(place.account, &place.region, place.key_id, place.spec, secret(&[1; 32])).await;
    let sealed = sealed.unwrap();
    (second.place.material_id, second.blob) = (sealed.id, sealed.sealed);
    let blob = client.encrypt(first.as_ref(), &secret(b"x"), &[]).await.unwrap();
    assert!(refused(&client, &second, blob, b"").await);
    client.encrypt(second.as_ref(), &secret(b"x"), &[]).await.unwrap();
}

#[tokio::test]
async fn a_replica_in_another_region_decrypts() {
    let (client, _, _folder) = ready().await;
    let here = fixed(&client, &[1; 32]).await;
    let (account, key_id, spec) = (here.place.account, here.place.key_id, here.place.spec);
    let there = "eu-west-1".parse().unwrap();
    let new = client.insecure_seal_material(account, &there, key_id, spec, secret(&[1; 32])).await.unwrap();
    assert_eq!(new.id, here.place.material_id, "same key id, same material, same id");
    let mut replica = here.clone();
    replica.place.region = there;
    replica.blob = new.sealed;
    let ciphertext = client.encrypt(here.as_ref(), &secret(b"x"), &[]).await.unwrap();
    assert_eq!(client.decrypt(replica.as_ref(), &ciphertext, &[]).await.unwrap().expose(), b"x");
}

#[tokio::test]
async fn re_encrypt_moves_between_keys_and_contexts() {
    let (client, _, _folder) = ready().await;
    let (from, to) = (fixed(&client, &[1; 32]).await, fixed(&client, &[2; 32]).await);
    let blob = client.encrypt(from.as_ref(), &secret(b"moved"), b"old").await.unwrap();
    let moved = client.re_encrypt(from.as_ref(), &blob, b"old", to.as_ref(), b"new").await.unwrap();
    assert_eq!(client.decrypt(to.as_ref(), &moved, b"new").await.unwrap().expose(), b"moved");
    assert!(refused(&client, &to, moved.clone(), b"old").await);
    assert!(refused(&client, &from, moved, b"new").await);
    let wrong = client.re_encrypt(from.as_ref(), &blob, b"other", to.as_ref(), b"new").await;
    assert_eq!(wrong.err(), Some(KeeperError::Failed));
}

#[tokio::test]
async fn data_keys_decrypt_to_themselves() {
    let (client, _, _folder) = ready().await;
    let material = material(&client).await;
    for length in [1, 16, 32, GENERATED_BYTES_MAX] {
        let (blob, data_key) = client.generate_data_key(material.as_ref(), length, b"aad").await.unwrap();
        assert_eq!((data_key.len(), blob.len()), (length, length + CIPHERTEXT_OVERHEAD));
        assert!(length < 16 || !shows(&blob, data_key.expose()));
        assert!(client.decrypt(material.as_ref(), &blob, b"aad").await.unwrap() == data_key);
        let m = material.clone();
        let blob = client.generate_data_key_without_plaintext(m.as_ref(), length, b"aad").await.unwrap();
        let hidden = client.decrypt(material.as_ref(), &blob, b"aad").await.unwrap();
        assert_eq!(hidden.len(), length);
        assert!(length < 16 || hidden != data_key);
    }
}

#[tokio::test]
async fn lengths_have_bounds() {
    let (client, _, _folder) = ready().await;
    let material = material(&client).await;
    let too_large = Some(KeeperError::Refused(Reason::TooLarge));
    for (length, expected) in [
        (0, Some(KeeperError::Refused(Reason::BadRequest))),
        (1, None),
        (GENERATED_BYTES_MAX, None),
        (GENERATED_BYTES_MAX + 1, too_large),
        (usize::MAX, too_large),
    ] {
        assert_eq!(client.generate_random(length).await.err(), expected, "{length}");
        assert_eq!(client.generate_data_key(material.as_ref(), length, &[]).await.err(), expected, "{length}");
        let m = material.clone();
        assert_eq!(
            client.generate_data_key_without_plaintext(m.as_ref(), length, &[]).await.err(),
            expected,
            "{length}"
        );
    }
    let (a, b) = (client.generate_random(32).await.unwrap(), client.generate_random(32).await.unwrap());
    assert!(a != b && a.len() == 32);
}
