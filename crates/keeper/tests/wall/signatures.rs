//! Sign and Verify.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use kanuki_keeper_protocol::{KeeperError, MESSAGE_BYTES_MAX, Reason, SealedMaterial};
use kanuki_types::{KeySpec, MessageType, SigningAlgorithm};

use crate::playground::{given, hex, made, ready, refused, unhex};

const RSA: [SigningAlgorithm; 6] = [
    SigningAlgorithm::RsassaPssSha256,
    SigningAlgorithm::RsassaPssSha384,
    SigningAlgorithm::RsassaPssSha512,
    SigningAlgorithm::RsassaPkcs1V15Sha256,
    SigningAlgorithm::RsassaPkcs1V15Sha384,
    SigningAlgorithm::RsassaPkcs1V15Sha512,
];

/// "Key spec reference" of the AWS KMS developer guide, but for SM2DSA, and for Ed25519ph, which takes no RAW message.
fn algorithms(spec: KeySpec) -> &'static [SigningAlgorithm] {
    match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &RSA,
        KeySpec::EccNistP256 | KeySpec::EccSecgP256k1 => &[SigningAlgorithm::EcdsaSha256],
        KeySpec::EccNistP384 => &[SigningAlgorithm::EcdsaSha384],
        KeySpec::EccNistP521 => &[SigningAlgorithm::EcdsaSha512],
        KeySpec::EccNistEdwards25519 => &[SigningAlgorithm::Ed25519Sha512],
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => &[SigningAlgorithm::MlDsaShake256],
        _ => &[],
    }
}

fn digested(algorithm: SigningAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
    let hash = match algorithm.as_str() {
        "ED25519_SHA_512" | "ML_DSA_SHAKE_256" => return None,
        name if name.ends_with("256") => &SHA256,
        name if name.ends_with("384") => &SHA384,
        _ => &SHA512,
    };
    Some(digest(hash, message).as_ref().to_vec())
}

fn length(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::Rsa2048 => Some(256),
        KeySpec::Rsa3072 => Some(384),
        KeySpec::Rsa4096 => Some(512),
        KeySpec::EccNistEdwards25519 => Some(64),
        KeySpec::MlDsa44 => Some(2420),
        KeySpec::MlDsa65 => Some(3309),
        KeySpec::MlDsa87 => Some(4627),
        _ => None,
    }
}

#[tokio::test]
async fn every_algorithm_of_every_spec_signs_raw_and_digest_alike() {
    let (client, _, _folder) = ready().await;
    let long = vec![0x5a; MESSAGE_BYTES_MAX];
    for spec in KeySpec::ALL.iter().copied().filter(|spec| !algorithms(*spec).is_empty()) {
        let (key, _) = made(&client, spec).await;
        let (stranger, _) = made(&client, spec).await;
        let key = key.as_ref();
        for algorithm in algorithms(spec).iter().copied() {
            for message in [b"a".as_slice(), &long] {
                let (raw, what) = (MessageType::Raw, format!("{spec} {algorithm}"));
                let signature = client.sign(key.clone(), algorithm, raw, message).await.unwrap();
                assert!(length(spec).is_none_or(|length| signature.len() == length), "{what}");
                assert_eq!(client.verify(key.clone(), algorithm, raw, message, &signature).await, Ok(true), "{what}");
                let other = client.verify(stranger.as_ref(), algorithm, raw, message, &signature).await;
                assert_eq!(other, Ok(false), "{what}");
                assert_eq!(client.verify(key.clone(), algorithm, raw, b"b", &signature).await, Ok(false), "{what}");
                let Some(digest) = digested(algorithm, message) else { continue };
                let type_ = MessageType::Digest;
                let verdict = client.verify(key.clone(), algorithm, type_, &digest, &signature).await;
                assert_eq!(verdict, Ok(true), "{what}");
                let signature = client.sign(key.clone(), algorithm, type_, &digest).await.unwrap();
                assert_eq!(client.verify(key.clone(), algorithm, raw, message, &signature).await, Ok(true), "{what}");
                assert_eq!(client.verify(key.clone(), algorithm, type_, &digest, b"").await, Ok(false), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn every_change_of_a_signature_is_noticed() {
    let (client, _, _folder) = ready().await;
    for spec in [KeySpec::EccNistP256, KeySpec::EccNistEdwards25519, KeySpec::Rsa2048, KeySpec::MlDsa44] {
        let (key, _) = made(&client, spec).await;
        let algorithm = algorithms(spec)[0];
        let signature = client.sign(key.as_ref(), algorithm, MessageType::Raw, b"m").await.unwrap();
        let verify = async |signature: &[u8]| {
            client.verify(key.as_ref(), algorithm, MessageType::Raw, b"m", signature).await.unwrap()
        };
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(!verify(&changed).await, "{spec} byte {at}");
        }
        assert!(!verify(&signature[1..]).await && !verify(&[signature.as_slice(), &[0]].concat()).await, "{spec}");
    }
}

#[tokio::test]
async fn algorithms_and_message_types_of_other_specs_are_refused() {
    let (client, _, _folder) = ready().await;
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2) {
        let (key, _) = made(&client, spec).await;
        let wrong = SigningAlgorithm::ALL.iter().filter(|algorithm| !algorithms(spec).contains(algorithm));
        for algorithm in wrong.copied() {
            let signed = client.sign(key.as_ref(), algorithm, MessageType::Raw, b"m").await;
            assert_eq!(signed, refused(Reason::UnsupportedAlgorithm), "{spec} {algorithm}");
            let verified = client.verify(key.as_ref(), algorithm, MessageType::Raw, b"m", b"s").await;
            assert_eq!(verified, refused(Reason::UnsupportedAlgorithm), "{spec} {algorithm}");
        }
        for algorithm in algorithms(spec).iter().copied() {
            let sign = async |type_, message: &[u8]| client.sign(key.as_ref(), algorithm, type_, message).await;
            let what = format!("{spec} {algorithm}");
            if algorithm != SigningAlgorithm::MlDsaShake256 {
                let mu = sign(MessageType::ExternalMu, &[1; 64]).await;
                assert_eq!(mu, refused(Reason::UnsupportedAlgorithm), "{what}");
            }
            match digested(algorithm, b"m") {
                None => {
                    let digest = sign(MessageType::Digest, &[1; 64]).await;
                    assert_eq!(digest, refused(Reason::UnsupportedAlgorithm), "{what}");
                }
                Some(digest) => {
                    for wrong in [&digest[1..], &[digest.as_slice(), &[0]].concat(), &[]] {
                        assert_eq!(sign(MessageType::Digest, wrong).await, refused(Reason::BadRequest), "{what}");
                    }
                }
            }
            let long = sign(MessageType::Raw, &vec![0; MESSAGE_BYTES_MAX + 1]).await;
            assert_eq!(long, refused(Reason::TooLarge), "{what}");
        }
    }
}

#[tokio::test]
async fn a_signature_of_one_algorithm_is_none_of_another() {
    let (client, _, _folder) = ready().await;
    let (key, _) = made(&client, KeySpec::Rsa2048).await;
    let raw = MessageType::Raw;
    for signing in RSA {
        let signature = client.sign(key.as_ref(), signing, raw, b"m").await.unwrap();
        for verifying in RSA {
            let verdict = client.verify(key.as_ref(), verifying, raw, b"m", &signature).await;
            assert_eq!(verdict, Ok(signing == verifying), "{signing} {verifying}");
        }
    }
}

#[tokio::test]
async fn ed25519ph_hashes_the_digest_again() {
    let (client, _, _folder) = ready().await;
    let (key, _) = made(&client, KeySpec::EccNistEdwards25519).await;
    let (key, algorithm, type_) = (key.as_ref(), SigningAlgorithm::Ed25519PhSha512, MessageType::Digest);
    let digest = digested(algorithm, b"m").unwrap();
    let signature = client.sign(key.clone(), algorithm, type_, &digest).await.unwrap();
    assert_eq!(client.verify(key.clone(), algorithm, type_, &digest, &signature).await, Ok(true));
    let other = digested(algorithm, b"n").unwrap();
    assert_eq!(client.verify(key.clone(), algorithm, type_, &other, &signature).await, Ok(false));
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(client.verify(key.clone(), algorithm, type_, &digest, &changed).await, Ok(false), "byte {at}");
    }
    let pure = SigningAlgorithm::Ed25519Sha512;
    assert_eq!(client.verify(key.clone(), pure, MessageType::Raw, &digest, &signature).await, Ok(false));
    for wrong in [&digest[1..], &[digest.as_slice(), &[0]].concat(), &[]] {
        assert_eq!(client.sign(key.clone(), algorithm, type_, wrong).await, refused(Reason::BadRequest));
    }
}

#[tokio::test]
async fn ml_dsa_signs_a_mu_of_64_bytes_and_no_other() {
    let (client, _, _folder) = ready().await;
    for spec in [KeySpec::MlDsa44, KeySpec::MlDsa65, KeySpec::MlDsa87] {
        let (key, _) = made(&client, spec).await;
        let (key, algorithm, type_) = (key.as_ref(), SigningAlgorithm::MlDsaShake256, MessageType::ExternalMu);
        let signature = client.sign(key.clone(), algorithm, type_, &[1; 64]).await.unwrap();
        assert_eq!(Some(signature.len()), length(spec));
        assert_eq!(client.verify(key.clone(), algorithm, type_, &[1; 64], &signature).await, Ok(true), "{spec}");
        assert_eq!(client.verify(key.clone(), algorithm, type_, &[2; 64], &signature).await, Ok(false), "{spec}");
        assert_eq!(client.verify(key.clone(), algorithm, MessageType::Raw, &[1; 64], &signature).await, Ok(false));
        assert_eq!(client.verify(key.clone(), algorithm, type_, &[1; 64], &signature[1..]).await, Ok(false));
        let again = client.sign(key.clone(), algorithm, type_, &[1; 64]).await.unwrap();
        assert_ne!(signature, again, "{spec}: hedged");
        for wrong in [&[1; 63][..], &[1; 65], &[]] {
            assert_eq!(client.sign(key.clone(), algorithm, type_, wrong).await, refused(Reason::BadRequest), "{spec}");
            let verdict = client.verify(key.clone(), algorithm, type_, wrong, &signature).await;
            assert_eq!(verdict, refused(Reason::BadRequest), "{spec}");
        }
    }
}

/// RFC 8032, section 7.1: secret key, public key, message, signature.
#[tokio::test]
async fn ed25519_signs_as_its_standard_says() {
    let (client, _, _folder) = ready().await;
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b\
             be24655141438e7a100b",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e\
             d28dc027beceea1ec40a",
        ),
    ] {
        // RFC 8410, section 7.
        let pkcs8 = unhex(&format!("302e020100300506032b657004220420{seed}"));
        let (key, spki) = given(&client, KeySpec::EccNistEdwards25519, &pkcs8).await.unwrap();
        assert_eq!(hex(&spki), format!("302a300506032b6570032100{public}"));
        let algorithm = SigningAlgorithm::Ed25519Sha512;
        let signed = client.sign(key.as_ref(), algorithm, MessageType::Raw, &unhex(message)).await.unwrap();
        assert_eq!(hex(&signed), signature);
    }
}

#[tokio::test]
async fn given_keys_must_be_of_their_spec_and_nothing_else() {
    let (client, _, _folder) = ready().await;
    let symmetric = crate::playground::material(&client).await;
    let asymmetric = KeySpec::ALL.iter().copied().filter(|spec| spec.as_str().starts_with(['E', 'R']));
    for spec in asymmetric {
        let pair = kanuki_types::DataKeyPairSpec::from_wire(spec.as_str()).unwrap();
        let (_, public_key, private_key) =
            client.generate_data_key_pair(symmetric.as_ref(), pair, &[], true).await.unwrap();
        let pkcs8 = private_key.unwrap();
        let (key, public_of_given) = given(&client, spec, pkcs8.expose()).await.unwrap();
        assert_eq!(public_of_given, public_key, "{spec}");
        let id = |(key, _): (SealedMaterial, Vec<u8>)| key.place.material_id;
        assert_eq!(id(given(&client, spec, pkcs8.expose()).await.unwrap()), key.place.material_id, "{spec}");
        let bad = Some(KeeperError::Refused(Reason::BadRequest));
        for wrong in [&pkcs8.expose()[1..], &[pkcs8.expose(), &[0]].concat(), &[], &public_key] {
            assert_eq!(given(&client, spec, wrong).await.err(), bad, "{spec}");
        }
        // A short private key has the length of an HMAC key, and bytes are all that one is.
        let others = KeySpec::ALL.iter().copied().filter(|other| other.as_str().starts_with(['E', 'R', 'M']));
        for other in others.filter(|other| *other != spec) {
            assert_eq!(given(&client, other, pkcs8.expose()).await.err(), bad, "{spec} as {other}");
        }
    }
}
