//! Encrypt and Decrypt under RSA keys, and ReEncrypt between every two kinds of keys.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use kanuki_keeper_protocol::{KeeperError, Reason};
use kanuki_types::{EncryptionAlgorithm, KeySpec};

use crate::playground::{made, material, ready, refused, secret};

const SHA1: EncryptionAlgorithm = EncryptionAlgorithm::RsaesOaepSha1;
const SHA256: EncryptionAlgorithm = EncryptionAlgorithm::RsaesOaepSha256;
const SYMMETRIC: EncryptionAlgorithm = EncryptionAlgorithm::SymmetricDefault;

#[tokio::test]
async fn every_size_round_trips_up_to_its_limit() {
    let (client, _, _folder) = ready().await;
    // `Encrypt` of the AWS KMS API reference.
    for (spec, modulus, limits) in [
        (KeySpec::Rsa2048, 256, [(SHA1, 214), (SHA256, 190)]),
        (KeySpec::Rsa3072, 384, [(SHA1, 342), (SHA256, 318)]),
        (KeySpec::Rsa4096, 512, [(SHA1, 470), (SHA256, 446)]),
    ] {
        let (key, _) = made(&client, spec).await;
        for (algorithm, limit) in limits {
            for length in [0, 1, limit] {
                let plaintext = secret(&vec![0x5a; length]);
                let ciphertext = client.asymmetric_encrypt(key.as_ref(), algorithm, &plaintext).await.unwrap();
                assert_eq!(ciphertext.len(), modulus);
                let opened = client.asymmetric_decrypt(key.as_ref(), algorithm, &ciphertext).await.unwrap();
                assert!(opened == plaintext, "{spec} {algorithm} {length}");
                let other = if algorithm == SHA1 { SHA256 } else { SHA1 };
                let wrong = client.asymmetric_decrypt(key.as_ref(), other, &ciphertext).await;
                assert_eq!(wrong.err(), Some(KeeperError::Failed));
            }
            let long = client.asymmetric_encrypt(key.as_ref(), algorithm, &secret(&vec![0; limit + 1])).await;
            assert_eq!(long, refused(Reason::TooLarge), "{spec} {algorithm}");
        }
    }
}

#[tokio::test]
async fn what_others_encrypt_under_the_public_half_opens_and_changes_do_not() {
    let (client, _, _folder) = ready().await;
    let (key, spki) = made(&client, KeySpec::Rsa2048).await;
    let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&spki).unwrap()).unwrap();
    for (algorithm, oaep) in [(SHA1, &OAEP_SHA1_MGF1SHA1), (SHA256, &OAEP_SHA256_MGF1SHA256)] {
        let mut ciphertext = vec![0; 256];
        public.encrypt(oaep, b"attack at dawn", &mut ciphertext, None).unwrap();
        let open = async |bytes: &[u8]| client.asymmetric_decrypt(key.as_ref(), algorithm, bytes).await;
        assert_eq!(open(&ciphertext).await.unwrap().expose(), b"attack at dawn");
        for at in (0..256).step_by(5) {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            assert_eq!(open(&changed).await.err(), Some(KeeperError::Failed), "{at}");
        }
        for bytes in [&ciphertext[1..], &[ciphertext.as_slice(), &[0]].concat(), &[]] {
            assert_eq!(open(bytes).await.err(), Some(KeeperError::Failed));
        }
        public.encrypt(oaep, b"x", &mut ciphertext, Some(b"label")).unwrap();
        assert_eq!(open(&ciphertext).await.err(), Some(KeeperError::Failed), "a label is not ours");
    }
}

#[tokio::test]
async fn algorithms_of_other_specs_are_refused() {
    let (client, _, _folder) = ready().await;
    let symmetric = material(&client).await;
    let rsa = [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096];
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2) {
        let (key, _) = made(&client, spec).await;
        for algorithm in EncryptionAlgorithm::ALL.iter().copied() {
            if rsa.contains(&spec) && matches!(algorithm, SHA1 | SHA256) {
                continue;
            }
            let unsupported = Some(KeeperError::Refused(Reason::UnsupportedAlgorithm));
            let (what, plaintext) = (format!("{spec} {algorithm}"), secret(b"x"));
            let encrypted = client.asymmetric_encrypt(key.as_ref(), algorithm, &plaintext).await;
            assert_eq!(encrypted.err(), unsupported, "{what}");
            let decrypted = client.asymmetric_decrypt(key.as_ref(), algorithm, b"x").await;
            assert_eq!(decrypted.err(), unsupported, "{what}");
            if (spec, algorithm) == (KeySpec::SymmetricDefault, SYMMETRIC) {
                continue;
            }
            let (key, other) = (key.as_ref(), symmetric.as_ref());
            let from = client.re_encrypt_with(key.clone(), algorithm, b"x", &[], other.clone(), SYMMETRIC, &[]).await;
            let to = client.re_encrypt_with(other, SYMMETRIC, b"x", &[], key, algorithm, &[]).await;
            assert_eq!((from.err(), to.err()), (unsupported, unsupported), "{what}");
        }
    }
}

#[tokio::test]
async fn re_encrypt_moves_between_symmetric_and_rsa_keys() {
    let (client, _, _folder) = ready().await;
    let (symmetric, (rsa, _), (other, _)) =
        (material(&client).await, made(&client, KeySpec::Rsa2048).await, made(&client, KeySpec::Rsa3072).await);
    let sides = [(&symmetric, SYMMETRIC, b"aad".as_slice()), (&rsa, SHA1, &[]), (&other, SHA256, &[])];
    for (from, from_algorithm, from_aad) in sides {
        let plaintext = secret(b"moved");
        let ciphertext = match from_algorithm {
            SYMMETRIC => client.encrypt(from.as_ref(), &plaintext, from_aad).await,
            _ => client.asymmetric_encrypt(from.as_ref(), from_algorithm, &plaintext).await,
        }
        .unwrap();
        for (to, to_algorithm, to_aad) in sides {
            let (from, to) = (from.as_ref(), to.as_ref());
            let re_encrypt = async |ciphertext: &[u8], from_aad: &[u8], to_aad: &[u8]| {
                let (from, to) = (from.clone(), to.clone());
                client.re_encrypt_with(from, from_algorithm, ciphertext, from_aad, to, to_algorithm, to_aad).await
            };
            let moved = re_encrypt(&ciphertext, from_aad, to_aad).await.unwrap();
            let opened = match to_algorithm {
                SYMMETRIC => client.decrypt(to.clone(), &moved, to_aad).await,
                _ => client.asymmetric_decrypt(to.clone(), to_algorithm, &moved).await,
            };
            assert!(opened.unwrap() == plaintext);
            assert_eq!(re_encrypt(&ciphertext[1..], from_aad, to_aad).await, Err(KeeperError::Failed));
            if from_algorithm != SYMMETRIC {
                assert_eq!(re_encrypt(&ciphertext, b"aad", to_aad).await, refused(Reason::BadRequest));
            }
            if to_algorithm != SYMMETRIC {
                assert_eq!(re_encrypt(&ciphertext, from_aad, b"aad").await, refused(Reason::BadRequest));
            }
        }
    }
    let long = client.encrypt(symmetric.as_ref(), &secret(&[0; 300]), &[]).await.unwrap();
    let (from, to) = (symmetric.as_ref(), rsa.as_ref());
    let moved = client.re_encrypt_with(from, SYMMETRIC, &long, &[], to, SHA256, &[]).await;
    assert_eq!(moved, refused(Reason::TooLarge), "more than RSA takes");
}
