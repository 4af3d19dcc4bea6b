//! Sealed key material: bound to its place, refused everywhere else, and showing nothing.

use kanuki_keeper_protocol::{KeeperError, Reason, SealedMaterial};
use kanuki_types::{DataKeyPairSpec, KeyId, KeySpec, MacAlgorithm, MaterialId, MessageType, SigningAlgorithm};

use crate::playground::{account, fixed, given, key_id, made, material, options, ready, region, sealed, secret, shows};

#[tokio::test]
async fn opens_at_its_own_place_only() {
    let (client, _, _folder) = ready().await;
    let good = material(&client).await;
    client.encrypt(good.as_ref(), &secret(b"x"), &[]).await.unwrap();
    type Change = fn(&mut SealedMaterial);
    let changes: [(&str, Change); 5] = [
        ("account", |m| m.place.account = "111122223334".parse().unwrap()),
        ("region", |m| m.place.region = "us-east-2".parse().unwrap()),
        ("key id", |m| m.place.key_id = "1234abcd-12ab-34cd-56ef-1234567890ac".parse().unwrap()),
        ("key kind", |m| m.place.key_id = KeyId::multi_region([1; 16])),
        ("material id", |m| m.place.material_id = MaterialId::new([1; 32])),
    ];
    for (what, change) in changes {
        let mut wrong = good.clone();
        change(&mut wrong);
        assert_eq!(client.encrypt(wrong.as_ref(), &secret(b"x"), &[]).await.err(), Some(KeeperError::Failed), "{what}");
    }
    for at in 0..good.blob.len() {
        let mut wrong = good.clone();
        wrong.blob[at] ^= 1;
        assert_eq!(
            client.encrypt(wrong.as_ref(), &secret(b"x"), &[]).await.err(),
            Some(KeeperError::Failed),
            "byte {at}"
        );
    }
}

#[tokio::test]
async fn what_is_not_implemented_or_not_symmetric_is_refused() {
    let (client, _, _folder) = ready().await;
    let good = material(&client).await;
    let unsupported = Some(KeeperError::Refused(Reason::UnsupportedSpec));
    assert_eq!(client.create_material(account(), &region(), key_id(), KeySpec::Sm2).await.err(), unsupported);
    assert_eq!(given(&client, KeySpec::Sm2, &[1; 32]).await.err(), unsupported);
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::SymmetricDefault) {
        let mut other = good.clone();
        other.place.spec = spec;
        assert_eq!(client.encrypt(other.as_ref(), &secret(b"x"), &[]).await.err(), unsupported, "{spec}");
        assert_eq!(client.decrypt(other.as_ref(), &[1; 200], &[]).await.err(), unsupported, "{spec}");
        assert_eq!(client.generate_data_key(other.as_ref(), 32, &[]).await.err(), unsupported, "{spec}");
        let pair = client.generate_data_key_pair(other.as_ref(), DataKeyPairSpec::EccNistP256, &[], true).await;
        assert_eq!(pair.err(), unsupported, "{spec}");
    }
}

/// The sealed blob of one spec must not open as another, even where the bytes would fit.
#[tokio::test]
async fn material_of_one_spec_is_none_of_another() {
    let (client, _, _folder) = ready().await;
    let mut hmac = material(&client).await;
    hmac.place.spec = KeySpec::Hmac256;
    assert_eq!(client.mac(hmac.as_ref(), MacAlgorithm::HmacSha256, b"x").await, Err(KeeperError::Failed));
    let (mut signing, _) = made(&client, KeySpec::EccNistP256).await;
    client.sign(signing.as_ref(), SigningAlgorithm::EcdsaSha256, MessageType::Raw, b"x").await.unwrap();
    signing.place.spec = KeySpec::EccSecgP256k1;
    let signed = client.sign(signing.as_ref(), SigningAlgorithm::EcdsaSha256, MessageType::Raw, b"x").await;
    assert_eq!(signed, Err(KeeperError::Failed));
}

/// The cache of parsed keys must not make an edited blob or another place good.
#[tokio::test]
async fn a_key_in_use_still_opens_at_its_own_place_only() {
    let (client, _, _folder) = ready().await;
    let (good, _) = made(&client, KeySpec::EccNistEdwards25519).await;
    let sign = async |material: &SealedMaterial| {
        client.sign(material.as_ref(), SigningAlgorithm::Ed25519Sha512, MessageType::Raw, b"x").await
    };
    sign(&good).await.unwrap();
    for at in 0..good.blob.len() {
        let mut wrong = good.clone();
        wrong.blob[at] ^= 1;
        assert_eq!(sign(&wrong).await, Err(KeeperError::Failed), "byte {at}");
    }
    let mut moved = good.clone();
    moved.place.region = "us-east-2".parse().unwrap();
    assert_eq!(sign(&moved).await, Err(KeeperError::Failed));
    sign(&good).await.unwrap();
}

#[tokio::test]
async fn every_spec_is_made_sealed_and_found_again() {
    let (client, keyring, folder) = ready().await;
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2) {
        let (material, public_key) = made(&client, spec).await;
        let (again, other_public_key) = made(&client, spec).await;
        assert_ne!(material.place.material_id, again.place.material_id, "{spec}");
        if public_key.is_empty() {
            let none = Some(KeeperError::Refused(Reason::UnsupportedSpec));
            assert_eq!(client.public_key(material.as_ref()).await.err(), none, "{spec}");
        } else {
            assert_ne!(public_key, other_public_key, "{spec}");
            for client in [&client, &later] {
                assert_eq!(client.public_key(material.as_ref()).await.unwrap(), public_key, "{spec}");
            }
        }
    }
}

#[tokio::test]
async fn another_keyring_refuses_it() {
    let (client, _, _folder) = ready().await;
    let (other, _, _other_folder) = ready().await;
    let material = material(&client).await;
    let ciphertext = client.encrypt(material.as_ref(), &secret(b"x"), &[]).await.unwrap();
    assert_eq!(other.decrypt(material.as_ref(), &ciphertext, &[]).await.err(), Some(KeeperError::Failed));
}

#[tokio::test]
async fn ids_follow_from_key_and_material_under_one_keyring() {
    let (client, keyring, folder) = ready().await;
    let first = fixed(&client, &[1; 32]).await.place.material_id;
    assert_eq!(fixed(&client, &[1; 32]).await.place.material_id, first);
    assert_ne!(fixed(&client, &[2; 32]).await.place.material_id, first);
    let other_key = "1234abcd-12ab-34cd-56ef-1234567890ac".parse().unwrap();
    let spec = KeySpec::SymmetricDefault;
    let of_other_key =
        client.insecure_seal_material(account(), &region(), other_key, spec, secret(&[1; 32])).await.unwrap();
    assert_ne!(of_other_key.id, first);

    let again = sealed(options(folder.path())).await;
    again.unseal(keyring).await.unwrap();
    assert_eq!(fixed(&again, &[1; 32]).await.place.material_id, first);
    let (stranger, _, _other_folder) = ready().await;
    assert_ne!(fixed(&stranger, &[1; 32]).await.place.material_id, first);
}

#[tokio::test]
async fn fixed_material_needs_the_option_and_the_right_length() {
    let folder = tempfile::tempdir().unwrap();
    let mut strict = options(folder.path());
    strict.insecure_fixed_material = false;
    let client = sealed(strict).await;
    client.initialise().await.unwrap();
    let bad = Some(KeeperError::Refused(Reason::BadRequest));
    let spec = KeySpec::SymmetricDefault;
    let seal = client.insecure_seal_material(account(), &region(), key_id(), spec, secret(&[1; 32])).await;
    assert_eq!(seal.err(), bad);
    client.create_material(account(), &region(), key_id(), spec).await.unwrap();

    let (client, _, _folder) = ready().await;
    for length in [0, 31, 33] {
        let seal = client.insecure_seal_material(account(), &region(), key_id(), spec, secret(&vec![1; length])).await;
        assert_eq!(seal.err(), bad, "{length}");
    }
}

#[tokio::test]
async fn what_leaves_the_keeper_sealed_shows_nothing() {
    let (client, keyring, folder) = ready().await;
    let canary = *b"canary-of-thirty-two-bytes-abcde";
    let material = fixed(&client, &canary).await;
    let ciphertext = client.encrypt(material.as_ref(), &secret(&canary), &canary).await.unwrap();
    let records = client.seal_records(vec![(canary.to_vec(), canary.to_vec())]).await.unwrap();
    let (token, session_secret) = client.issue_session("ASIAEXAMPLE", canary.to_vec()).await.unwrap();
    let (access_key, access_secret) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    for sealed in [&material.blob, &ciphertext, &records[0], &token, &access_key, &keyring] {
        for secret in [&canary, session_secret.expose(), access_secret.expose()] {
            assert!(!shows(sealed, secret));
            assert!(!shows(sealed, &secret[..12]));
        }
        assert!(!shows(sealed, material.place.material_id.as_bytes()) || *sealed == ciphertext);
    }
    let seal_key = std::fs::read(folder.path().join("seal.key")).unwrap();
    assert!(!shows(&keyring, &seal_key[18..40]));
}
