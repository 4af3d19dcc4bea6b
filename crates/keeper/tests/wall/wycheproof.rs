//! Project Wycheproof's vectors, through the keeper's own operations: those that come with a private key, which can be
//! given to a keeper, and signatures by others under public keys, which it takes as they come. Keys of our own cannot be
//! made of a public key, so that Ed25519, PSS and secp256k1 have no vectors here; nor has AES-GCM, whose key a keeper
//! derives anew for each call.

use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey},
};
use kanuki_keeper_protocol::{Bytes, Client, ForeignAlgorithm, ForeignKey, KeeperError, Reason};
use kanuki_types::{
    DataKeyPairSpec, EncryptionAlgorithm, KeySpec, MacAlgorithm, MessageType, SigningAlgorithm, Timestamp,
    WrappingAlgorithm, WrappingKeySpec,
};
use wycheproof::{TestResult, ecdh, ecdsa, keywrap, mac, mldsa_sign, mlkem, rsa_oaep, rsa_pkcs1_verify};

use crate::playground::{account, given, key_id, material, ready, region};

#[tokio::test]
async fn hmac() {
    let (client, _, _folder) = ready().await;
    let mut used = 0;
    for (name, spec, algorithm, length) in [
        (mac::TestName::HmacSha224, KeySpec::Hmac224, MacAlgorithm::HmacSha224, 28),
        (mac::TestName::HmacSha256, KeySpec::Hmac256, MacAlgorithm::HmacSha256, 32),
        (mac::TestName::HmacSha384, KeySpec::Hmac384, MacAlgorithm::HmacSha384, 48),
        (mac::TestName::HmacSha512, KeySpec::Hmac512, MacAlgorithm::HmacSha512, 64),
    ] {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // A key padded with zeros is the same key to HMAC; longer ones are over the API's limit.
                let mut key = test.key.to_vec();
                key.resize(key.len().max(length), 0);
                let Ok((key, _)) = given(&client, spec, &key).await else { continue };
                let good = client.verify_mac(key.as_ref(), algorithm, &test.msg, &test.tag).await.unwrap();
                // A cut MAC is good to others, never to us.
                let whole = group.tag_size == length * 8;
                assert_eq!(good, whole && test.result == TestResult::Valid, "{spec} {}", test.tc_id);
                used += 1;
            }
        }
    }
    assert!(used > 500, "{used}");
}

#[tokio::test]
async fn ecdh() {
    let (client, _, _folder) = ready().await;
    let mut used = [0, 0];
    let curves: [(_, _, &agreement::Algorithm, usize); 3] = [
        (ecdh::TestName::EcdhSecp256r1, KeySpec::EccNistP256, &ECDH_P256, 32),
        (ecdh::TestName::EcdhSecp384r1, KeySpec::EccNistP384, &ECDH_P384, 48),
        (ecdh::TestName::EcdhSecp521r1, KeySpec::EccNistP521, &ECDH_P521, 66),
    ];
    for (name, spec, algorithm, length) in curves {
        for test in ecdh::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            let number = test.private_key.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let padded = [vec![0; length - number.len()], number].concat();
            let private = PrivateKey::from_private_key(algorithm, &padded).unwrap();
            let pkcs8: Pkcs8V1Der<'_> = private.as_der().unwrap();
            let (key, _) = given(&client, spec, pkcs8.as_ref()).await.unwrap();
            let secret = client.derive_shared_secret(key.as_ref(), &test.public_key).await;
            match (test.result, secret) {
                (TestResult::Invalid, Ok(_)) => panic!("{spec} {}: {}: taken", test.tc_id, test.comment),
                (_, Ok(secret)) => {
                    assert_eq!(secret.expose(), test.shared_secret.as_slice(), "{spec} {}", test.tc_id);
                    used[0] += 1;
                }
                (TestResult::Valid, Err(error)) => panic!("{spec} {}: {}: {error}", test.tc_id, test.comment),
                (_, Err(error)) => {
                    assert_eq!(error, KeeperError::Refused(Reason::BadPeerKey), "{spec} {}", test.tc_id);
                    used[1] += 1;
                }
            }
        }
    }
    assert!(used[0] > 500 && used[1] > 30, "{used:?}");
}

#[tokio::test]
async fn rsa_oaep() {
    let (client, _, _folder) = ready().await;
    let mut used = 0;
    for (name, spec, algorithm) in [
        (rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1, KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha1),
        (rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256, KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha256),
        (rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256, KeySpec::Rsa3072, EncryptionAlgorithm::RsaesOaepSha256),
        (rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256, KeySpec::Rsa4096, EncryptionAlgorithm::RsaesOaepSha256),
    ] {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let (key, _) = given(&client, spec, &group.pkcs8).await.unwrap();
            for test in group.tests {
                let opened = client.asymmetric_decrypt(key.as_ref(), algorithm, &test.ct).await;
                if test.result == TestResult::Valid && test.label.is_empty() {
                    assert_eq!(opened.unwrap().expose(), test.pt.as_slice(), "{spec} {}", test.tc_id);
                } else {
                    assert_eq!(opened.err(), Some(KeeperError::Failed), "{spec} {}: {}", test.tc_id, test.comment);
                }
                used += 1;
            }
        }
    }
    assert!(used > 100, "{used}");
}

/// Signatures by others with the same key must be good; ours are randomised and cannot be compared.
#[tokio::test]
async fn ml_dsa() {
    let (client, _, _folder) = ready().await;
    let mut used = 0;
    for (name, spec) in [
        (mldsa_sign::TestName::MlDsa44SignSeed, KeySpec::MlDsa44),
        (mldsa_sign::TestName::MlDsa65SignSeed, KeySpec::MlDsa65),
        (mldsa_sign::TestName::MlDsa87SignSeed, KeySpec::MlDsa87),
    ] {
        for group in mldsa_sign::TestSet::load(name).unwrap().test_groups {
            let Some(pkcs8) = group.privkey_pkcs8 else { continue };
            let Ok((key, public_key)) = given(&client, spec, &pkcs8).await else {
                assert!(group.tests.iter().all(|test| test.result != TestResult::Valid));
                continue;
            };
            assert!(group.pubkey.is_none_or(|bare| public_key.ends_with(&bare)));
            let algorithm = SigningAlgorithm::MlDsaShake256;
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                let Some(message) = test.msg.as_ref().filter(|message| message.len() <= 4096) else { continue };
                let plain = test.ctx.as_ref().is_none_or(|context| context.is_empty());
                let good = client.verify(key.as_ref(), algorithm, MessageType::Raw, message, &test.sig).await;
                assert_eq!(good, Ok(plain), "{spec} {}: {}", test.tc_id, test.comment);
                used += 1;
            }
        }
    }
    assert!(used > 100, "{used}");
}

#[tokio::test]
async fn ml_kem() {
    let (client, _, _folder) = ready().await;
    let symmetric = material(&client).await;
    let mut used = [0, 0];
    for (name, spec, raw_bytes) in [
        (mlkem::TestName::MlKem512SemiExpandedDecaps, KeySpec::MlKem512, 1632),
        (mlkem::TestName::MlKem768SemiExpandedDecaps, KeySpec::MlKem768, 2400),
        (mlkem::TestName::MlKem1024SemiExpandedDecaps, KeySpec::MlKem1024, 3168),
    ] {
        let pair = DataKeyPairSpec::from_wire(spec.as_str()).unwrap();
        let private = client.generate_data_key_pair(symmetric.as_ref(), pair, &[], true).await.unwrap().2.unwrap();
        let front = &private.expose()[..private.len() - raw_bytes];
        for test in mlkem::TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
            let (raw, ciphertext) = (test.decaps_key.unwrap(), test.ct.unwrap());
            let opened = match given(&client, spec, &[front, &raw].concat()).await {
                Ok((key, _)) => client.decapsulate(key.as_ref(), &ciphertext).await,
                Err(error) => Err(error),
            };
            assert_eq!(opened.is_ok(), test.result == TestResult::Valid, "{spec} {}: {}", test.tc_id, test.comment);
            if let (Ok(secret), Some(expected)) = (&opened, test.shared_secret) {
                assert_eq!(secret.expose(), expected.as_slice(), "{spec} {}", test.tc_id);
            }
            used[usize::from(opened.is_ok())] += 1;
        }
    }
    assert!(used[0] > 10 && used[1] >= 3, "{used:?}");
}

/// Whether the second of the two steps unwraps shows in the refusal of what it unwraps, for none of it is a key.
async fn unwraps(client: &Client, token: &[u8], public_key: &[u8], aes_key: &[u8], wrapped: &[u8]) -> bool {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key).unwrap()).unwrap();
    let mut front = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, aes_key, &mut front, None).unwrap();
    let (encrypted, now) = ([front.as_slice(), wrapped].concat(), Timestamp::from_seconds(0));
    let spec = KeySpec::EccNistP256;
    match client.import_material(account(), &region(), key_id(), spec, token, &encrypted, now).await.err() {
        Some(KeeperError::Refused(Reason::MaterialInvalid)) => true,
        Some(KeeperError::Refused(Reason::UnwrapFailed)) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn key_wrap_with_padding() {
    let (client, _, _folder) = ready().await;
    let (spec, algorithm) = (KeySpec::EccNistP256, WrappingAlgorithm::RsaAesKeyWrapSha256);
    let wrapping_key = WrappingKeySpec::Rsa2048;
    let now = Timestamp::from_seconds(0);
    let (token, public_key) =
        client.import_parameters(account(), &region(), key_id(), spec, algorithm, wrapping_key, now).await.unwrap();
    let mut used = 0;
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrapWithPadding).unwrap();
    for test in set.test_groups.into_iter().filter(|group| group.key_size == 256).flat_map(|group| group.tests) {
        let unwraps = unwraps(&client, &token, &public_key, &test.key, &test.ct).await;
        match test.result {
            TestResult::Valid => assert!(unwraps, "{}: {}", test.tc_id, test.comment),
            TestResult::Invalid => assert!(!unwraps, "{}: {}", test.tc_id, test.comment),
            TestResult::Acceptable => {}
        }
        used += 1;
    }
    assert!(used > 50, "{used}");
}

#[tokio::test]
async fn ecdsa_of_others() {
    let (client, _, _folder) = ready().await;
    let mut used = [0, 0];
    for (name, algorithm, length) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, ForeignAlgorithm::Es256, 32),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, ForeignAlgorithm::Es384, 48),
        (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, ForeignAlgorithm::Es512, 66),
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            // The point without the byte that says that it is not compressed.
            let (x, y) = group.key.key[1..].split_at(length);
            let key = ForeignKey::Ec { x: Bytes(x), y: Bytes(y) };
            for test in group.tests {
                let good = client.verify_foreign(key, algorithm, &test.msg, &test.sig).await.unwrap();
                assert_eq!(good, test.result == TestResult::Valid, "{algorithm:?} {}: {}", test.tc_id, test.comment);
                used[usize::from(good)] += 1;
            }
        }
    }
    assert!(used[0] > 200 && used[1] > 200, "{used:?}");
}

#[tokio::test]
async fn rsa_of_others() {
    use rsa_pkcs1_verify::TestName;
    let (client, _, _folder) = ready().await;
    let mut used = [0, 0];
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, ForeignAlgorithm::Rs256),
        (TestName::Rsa2048Sha384, ForeignAlgorithm::Rs384),
        (TestName::Rsa2048Sha512, ForeignAlgorithm::Rs512),
        (TestName::Rsa3072Sha256, ForeignAlgorithm::Rs256),
        (TestName::Rsa3072Sha384, ForeignAlgorithm::Rs384),
        (TestName::Rsa3072Sha512, ForeignAlgorithm::Rs512),
        (TestName::Rsa4096Sha256, ForeignAlgorithm::Rs256),
        (TestName::Rsa4096Sha384, ForeignAlgorithm::Rs384),
        (TestName::Rsa4096Sha512, ForeignAlgorithm::Rs512),
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            // A number in DER may begin with a zero, which tells that it is not negative.
            let modulus = group.key.n.strip_prefix(&[0]).unwrap_or(&group.key.n);
            let key = ForeignKey::Rsa { modulus: Bytes(modulus), exponent: Bytes(&group.key.e) };
            for test in group.tests {
                let good = client.verify_foreign(key, algorithm, &test.msg, &test.sig).await.unwrap();
                let expected = match test.result {
                    TestResult::Valid => true,
                    TestResult::Invalid => false,
                    TestResult::Acceptable => good,
                };
                assert_eq!(good, expected, "{name:?} {}: {}", test.tc_id, test.comment);
                used[usize::from(good)] += 1;
            }
        }
    }
    assert!(used[0] > 500 && used[1] > 50, "{used:?}");
}
