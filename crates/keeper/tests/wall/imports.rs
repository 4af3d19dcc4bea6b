//! Import of key material: every way to wrap it, every spec, and every refusal.

use aws_lc_rs::{
    key_wrap::{AES_256, AesKek, KeyWrapPadded as _},
    rsa::{
        OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey,
        PublicEncryptingKey,
    },
};
use kanuki_keeper_protocol::{Client, IMPORT_BYTES_MAX, KeeperError, NewMaterial, Reason, SealedMaterial};
use kanuki_types::{
    DataKeyPairSpec, KeySpec, MessageType, SigningAlgorithm, Timestamp, WrappingAlgorithm, WrappingKeySpec,
};

use crate::playground::{
    account, given, key_id, material, options, placed, ready, refused, region, sealed, secret, shows,
};

const VALID_TO: Timestamp = Timestamp::from_seconds(1_000_000);
const DIRECT: [WrappingAlgorithm; 2] = [WrappingAlgorithm::RsaesOaepSha1, WrappingAlgorithm::RsaesOaepSha256];
const TWO_STEPS: [WrappingAlgorithm; 2] =
    [WrappingAlgorithm::RsaAesKeyWrapSha1, WrappingAlgorithm::RsaAesKeyWrapSha256];
const SYMMETRIC: KeySpec = KeySpec::SymmetricDefault;

async fn parameters(
    client: &Client,
    spec: KeySpec,
    algorithm: WrappingAlgorithm,
    wrapping_key: WrappingKeySpec,
) -> Result<(Vec<u8>, Vec<u8>), KeeperError> {
    client.import_parameters(account(), &region(), key_id(), spec, algorithm, wrapping_key, VALID_TO).await
}

async fn import(client: &Client, spec: KeySpec, token: &[u8], encrypted: &[u8]) -> Result<NewMaterial, KeeperError> {
    client.import_material(account(), &region(), key_id(), spec, token, encrypted, VALID_TO).await
}

/// Wraps as the owner of the material would.
fn wrap(public_key: &[u8], algorithm: WrappingAlgorithm, material: &[u8]) -> Vec<u8> {
    let oaep = if algorithm.as_str().ends_with("SHA_1") { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key).unwrap()).unwrap();
    let encrypt = |plaintext: &[u8]| {
        let mut out = vec![0; key.ciphertext_size()];
        key.encrypt(oaep, plaintext, &mut out, None).unwrap();
        out
    };
    if DIRECT.contains(&algorithm) {
        return encrypt(material);
    }
    let aes_key = [0x42; 32];
    [encrypt(&aes_key), key_wrap(&aes_key, material)].concat()
}

fn key_wrap(aes_key: &[u8], material: &[u8]) -> Vec<u8> {
    let mut out = vec![0; material.len() + 16];
    let kek = AesKek::new(&AES_256, aes_key).unwrap();
    let length = kek.wrap_with_padding(material, &mut out).unwrap().len();
    out.truncate(length);
    out
}

#[tokio::test]
async fn symmetric_and_hmac_keys_come_in_under_every_wrapping_key() {
    let (client, keyring, folder) = ready().await;
    for wrapping_key in [WrappingKeySpec::Rsa2048, WrappingKeySpec::Rsa3072, WrappingKeySpec::Rsa4096] {
        for algorithm in DIRECT {
            let (token, public_key) = parameters(&client, SYMMETRIC, algorithm, wrapping_key).await.unwrap();
            assert!(token.len() <= IMPORT_BYTES_MAX);
            // Another keeper with the same keyring takes the token: there is nothing to remember.
            let later = sealed(options(folder.path())).await;
            later.unseal(keyring.clone()).await.unwrap();
            let mut ids = Vec::new();
            for client in [&client, &later] {
                let new = import(client, SYMMETRIC, &token, &wrap(&public_key, algorithm, &[7; 32])).await.unwrap();
                assert!(new.public_key.is_none() && !shows(&new.sealed, &[7; 32]));
                ids.push(new.id);
                let (key, _) = placed(SYMMETRIC, new);
                let (given, _) = given(client, SYMMETRIC, &[7; 32]).await.unwrap();
                assert_eq!(given.place, key.place, "the id follows from the material");
                let blob = client.encrypt(key.as_ref(), &secret(b"x"), &[]).await.unwrap();
                assert_eq!(client.decrypt(given.as_ref(), &blob, &[]).await.unwrap().expose(), b"x");
            }
            assert_eq!(ids[0], ids[1]);
        }
    }
    let algorithm = DIRECT[1];
    for (spec, length) in
        [(KeySpec::Hmac224, 28), (KeySpec::Hmac256, 32), (KeySpec::Hmac384, 48), (KeySpec::Hmac512, 64)]
    {
        let (token, public_key) = parameters(&client, spec, algorithm, WrappingKeySpec::Rsa2048).await.unwrap();
        for good in [length, 128] {
            import(&client, spec, &token, &wrap(&public_key, algorithm, &vec![1; good])).await.unwrap();
        }
        for bad in [0, length - 1, 129] {
            let imported = import(&client, spec, &token, &wrap(&public_key, algorithm, &vec![1; bad])).await;
            assert_eq!(imported, refused(Reason::MaterialInvalid), "{spec} {bad}");
        }
    }
}

async fn pair(client: &Client, spec: KeySpec) -> (Vec<u8>, Vec<u8>) {
    let symmetric = material(client).await;
    let spec = DataKeyPairSpec::from_wire(spec.as_str()).unwrap();
    let (_, public, private) = client.generate_data_key_pair(symmetric.as_ref(), spec, &[], true).await.unwrap();
    (private.unwrap().expose().to_vec(), public)
}

#[tokio::test]
async fn private_keys_come_in_by_every_algorithm_that_is_for_them() {
    let (client, _, _folder) = ready().await;
    for (spec, signing) in [
        (KeySpec::Rsa2048, SigningAlgorithm::RsassaPssSha256),
        (KeySpec::Rsa3072, SigningAlgorithm::RsassaPssSha256),
        (KeySpec::Rsa4096, SigningAlgorithm::RsassaPssSha256),
        (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384),
        (KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512),
        (KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512),
    ] {
        let (private, public) = pair(&client, spec).await;
        let direct = if spec.as_str().starts_with("RSA") { &DIRECT[..0] } else { &DIRECT };
        for algorithm in direct.iter().chain(&TWO_STEPS).copied() {
            let what = format!("{spec} {algorithm}");
            let (token, wrapping) = parameters(&client, spec, algorithm, WrappingKeySpec::Rsa3072).await.unwrap();
            let new = import(&client, spec, &token, &wrap(&wrapping, algorithm, &private)).await.unwrap();
            assert_eq!(new.public_key.as_ref(), Some(&public), "{what}");
            let (key, _): (SealedMaterial, _) = placed(spec, new);
            let signature = client.sign(key.as_ref(), signing, MessageType::Raw, b"m").await.unwrap();
            let good = client.verify(key.as_ref(), signing, MessageType::Raw, b"m", &signature).await;
            assert_eq!(good, Ok(true), "{what}");
        }
        let algorithm = TWO_STEPS[1];
        for (other, _) in [(KeySpec::EccNistP256, 0), (KeySpec::Rsa2048, 0)].iter().filter(|(o, _)| *o != spec) {
            let (token, wrapping) = parameters(&client, *other, algorithm, WrappingKeySpec::Rsa2048).await.unwrap();
            let imported = import(&client, *other, &token, &wrap(&wrapping, algorithm, &private)).await;
            assert_eq!(imported, refused(Reason::MaterialInvalid), "{spec} as {other}");
        }
    }
}

#[tokio::test]
async fn algorithms_that_are_not_for_the_spec_are_refused() {
    let (client, _, _folder) = ready().await;
    for spec in KeySpec::ALL.iter().copied() {
        for algorithm in WrappingAlgorithm::ALL.iter().copied() {
            let expected = match spec.as_str() {
                name if name.starts_with("ML_") || name == "SM2" => Some(Reason::UnsupportedSpec),
                name if name.starts_with("RSA") && TWO_STEPS.contains(&algorithm) => None,
                name if name.starts_with("ECC") && (DIRECT.contains(&algorithm) || TWO_STEPS.contains(&algorithm)) => {
                    None
                }
                name if name.starts_with(['H', 'S']) && DIRECT.contains(&algorithm) => None,
                _ => Some(Reason::UnsupportedAlgorithm),
            };
            // What is allowed is made in the other tests; keys take long.
            if let Some(reason) = expected {
                let asked = parameters(&client, spec, algorithm, WrappingKeySpec::Rsa2048).await;
                assert_eq!(asked, refused(reason), "{spec} {algorithm}");
            }
        }
    }
    let asked = parameters(&client, SYMMETRIC, DIRECT[0], WrappingKeySpec::Sm2).await;
    assert_eq!(asked, refused(Reason::UnsupportedAlgorithm));
}

#[tokio::test]
async fn a_token_is_good_for_its_key_and_its_time_only() {
    let (client, _, _folder) = ready().await;
    let (stranger, _, _other_folder) = ready().await;
    let (token, public_key) = parameters(&client, SYMMETRIC, DIRECT[1], WrappingKeySpec::Rsa2048).await.unwrap();
    let wrapped = wrap(&public_key, DIRECT[1], &[7; 32]);
    let invalid = refused(Reason::ImportTokenInvalid);
    let (here, id, spec) = (region(), key_id(), SYMMETRIC);
    let (other_account, there) = ("111122223334".parse().unwrap(), "us-east-2".parse().unwrap());
    let other_id = "1234abcd-12ab-34cd-56ef-1234567890ac".parse().unwrap();
    for (account, region, id, spec) in [
        (other_account, &here, id, spec),
        (account(), &there, id, spec),
        (account(), &here, other_id, spec),
        (account(), &here, id, KeySpec::Hmac256),
    ] {
        let moved = client.import_material(account, region, id, spec, &token, &wrapped, VALID_TO).await;
        assert_eq!(moved, invalid);
    }
    assert_eq!(import(&stranger, spec, &token, &wrapped).await, invalid);
    for at in (0..token.len()).step_by(7) {
        let mut changed = token.clone();
        changed[at] ^= 1;
        assert_eq!(import(&client, spec, &changed, &wrapped).await, invalid, "byte {at}");
        assert_eq!(import(&client, spec, &token[..at], &wrapped).await, invalid, "cut at {at}");
    }
    // A sealed blob of another purpose at a place that can be chosen is no token.
    let record = client.seal_records(vec![(vec![1], token.clone())]).await.unwrap().remove(0);
    assert_eq!(import(&client, spec, &record, &wrapped).await, invalid);
    let at = async |now| client.import_material(account(), &here, id, spec, &token, &wrapped, now).await;
    assert_eq!(at(VALID_TO.plus_seconds(1)).await, refused(Reason::ImportTokenExpired));
    assert_eq!(at(Timestamp::from_millis(VALID_TO.millis() + 1)).await, refused(Reason::ImportTokenExpired));
    at(VALID_TO).await.unwrap();
    at(Timestamp::from_seconds(0)).await.unwrap();
}

#[tokio::test]
async fn what_does_not_unwrap_and_what_does_not_fit_are_told_apart() {
    let (client, _, _folder) = ready().await;
    let (token, public_key) = parameters(&client, SYMMETRIC, DIRECT[1], WrappingKeySpec::Rsa2048).await.unwrap();
    let (_, other_key) = parameters(&client, SYMMETRIC, DIRECT[1], WrappingKeySpec::Rsa2048).await.unwrap();
    let wrapped = wrap(&public_key, DIRECT[1], &[7; 32]);
    let mut pkcs1 = vec![0; 256];
    let key = Pkcs1PublicEncryptingKey::new(PublicEncryptingKey::from_der(&public_key).unwrap()).unwrap();
    key.encrypt(&[7; 32], &mut pkcs1).unwrap();
    for wrong in [
        wrap(&public_key, DIRECT[0], &[7; 32]),
        wrap(&public_key, TWO_STEPS[1], &[7; 32]),
        wrap(&other_key, DIRECT[1], &[7; 32]),
        pkcs1,
        wrapped[1..].to_vec(),
        [wrapped.as_slice(), &[0]].concat(),
        vec![],
    ] {
        assert_eq!(import(&client, SYMMETRIC, &token, &wrong).await, refused(Reason::UnwrapFailed));
    }
    for length in [0, 16, 31, 33, 64] {
        let imported = import(&client, SYMMETRIC, &token, &wrap(&public_key, DIRECT[1], &vec![7; length])).await;
        assert_eq!(imported, refused(Reason::MaterialInvalid), "{length}");
    }
    let long = vec![0; IMPORT_BYTES_MAX + 1];
    assert_eq!(import(&client, SYMMETRIC, &token, &long).await, refused(Reason::TooLarge));
    assert_eq!(import(&client, SYMMETRIC, &long, &wrapped).await, refused(Reason::TooLarge));
}

#[tokio::test]
async fn the_two_steps_are_each_checked() {
    let (client, _, _folder) = ready().await;
    let spec = KeySpec::EccNistP256;
    let (private, _) = pair(&client, spec).await;
    let (token, public_key) = parameters(&client, spec, TWO_STEPS[1], WrappingKeySpec::Rsa2048).await.unwrap();
    let wrapped = wrap(&public_key, TWO_STEPS[1], &private);
    for at in (0..wrapped.len()).step_by(9) {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        assert_eq!(import(&client, spec, &token, &changed).await, refused(Reason::UnwrapFailed), "byte {at}");
        assert_eq!(import(&client, spec, &token, &wrapped[..at]).await, refused(Reason::UnwrapFailed), "cut at {at}");
    }
    let short = [wrap(&public_key, DIRECT[1], &[0x42; 16]), key_wrap(&[0x42; 32], &private)].concat();
    assert_eq!(import(&client, spec, &token, &short).await, refused(Reason::UnwrapFailed), "an AES key of 128 bits");
    for wrong in [&private[1..], &[private.as_slice(), &[0]].concat(), b"no key"] {
        let imported = import(&client, spec, &token, &wrap(&public_key, TWO_STEPS[1], wrong)).await;
        assert_eq!(imported, refused(Reason::MaterialInvalid));
    }
    import(&client, spec, &token, &wrapped).await.unwrap();
}
