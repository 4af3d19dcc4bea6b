//! ForRecipient: the secret of a job leaves only in an envelope. What the envelope holds, the clients' tests open.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rsa::{KeySize, PrivateDecryptingKey},
};
use kanuki_keeper_protocol::{
    ATTESTED_BYTES_MAX, Attested, Bytes, CERTIFICATES_MAX, Enveloped, KeeperError, RECIPIENT_KEY_BYTES_MAX, Reason,
    RecipientJob,
};
use kanuki_types::{DataKeyPairSpec, KeySpec, Timestamp};

use crate::playground::{made, ready};

fn recipient() -> Vec<u8> {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    der.as_ref().to_vec()
}

#[tokio::test]
async fn every_job_answers_an_envelope_and_its_other_parts() {
    let (client, _, _folder) = ready().await;
    let (key, _) = made(&client, KeySpec::SymmetricDefault).await;
    let recipient = recipient();
    let (aad, material) = (Bytes(b"aad"), || key.as_ref());
    let plaintext = b"a plaintext that is long enough to be looked for".to_vec();
    let secret = kanuki_types::SecretBytes::new(plaintext.clone());
    let blob = client.encrypt(material(), &secret, aad.0).await.unwrap();
    let decrypt = RecipientJob::Decrypt { material: material(), ciphertext: Bytes(&blob), aad };
    let Enveloped { enveloped, ciphertext, public_key } =
        client.for_recipient(&recipient, decrypt.clone()).await.unwrap();
    assert!((ciphertext, public_key) == (None, None) && !enveloped.windows(16).any(|part| plaintext.starts_with(part)));
    assert_ne!(client.for_recipient(&recipient, decrypt).await.unwrap().enveloped, enveloped, "a fresh key each time");
    let data_key = RecipientJob::GenerateDataKey { material: material(), length: 32, aad };
    let made = client.for_recipient(&recipient, data_key).await.unwrap();
    assert_eq!(client.decrypt(material(), &made.ciphertext.unwrap(), aad.0).await.unwrap().len(), 32);
    let pair = RecipientJob::GenerateDataKeyPair { material: material(), spec: DataKeyPairSpec::EccNistP256, aad };
    let made = client.for_recipient(&recipient, pair).await.unwrap();
    assert!(made.ciphertext.is_some() && made.public_key.is_some());
    let random = client.for_recipient(&recipient, RecipientJob::GenerateRandom { length: 5 }).await.unwrap();
    assert!((random.ciphertext, random.public_key) == (None, None));
}

#[tokio::test]
async fn only_rsa_keys_of_served_lengths_are_recipients() {
    let (client, _, _folder) = ready().await;
    let job = || RecipientJob::GenerateRandom { length: 5 };
    let (_, curve) = made(&client, KeySpec::EccNistP384).await;
    let good = recipient();
    for bad in [curve, Vec::new(), b"key".to_vec(), [good.as_slice(), &[0]].concat(), good[..good.len() - 1].to_vec()] {
        let refused = client.for_recipient(&bad, job()).await.unwrap_err();
        assert_eq!(refused, KeeperError::Refused(Reason::BadRecipient));
    }
    let long = vec![0x30; RECIPIENT_KEY_BYTES_MAX + 1];
    assert_eq!(client.for_recipient(&long, job()).await, Err(KeeperError::Refused(Reason::TooLarge)));
    let zero = client.for_recipient(&good, RecipientJob::GenerateRandom { length: 0 }).await;
    assert_eq!(zero, Err(KeeperError::Refused(Reason::BadRequest)), "the job's own refusals stay");
}

#[tokio::test]
async fn what_is_no_attestation_is_not_genuine_and_its_size_is_bounded() {
    let (client, _, _folder) = ready().await;
    let now = Timestamp::from_seconds(1_700_000_000);
    let long = vec![0; ATTESTED_BYTES_MAX + 1];
    let attested = |roots, message: &'static [u8]| Attested {
        roots: vec![Bytes(b"root"); roots],
        intermediates: Vec::new(),
        leaf: Bytes(b"leaf"),
        message: Bytes(message),
        signature: Bytes(&[0; 96]),
    };
    assert_eq!(client.verify_attestation(attested(1, b"m"), now).await, Ok(false));
    assert_eq!(client.verify_attestation(attested(0, b"m"), now).await, Ok(false));
    let too_large = Err(KeeperError::Refused(Reason::TooLarge));
    assert_eq!(client.verify_attestation(attested(CERTIFICATES_MAX + 1, b"m"), now).await, too_large);
    let long = Attested { message: Bytes(&long), ..attested(1, b"") };
    assert_eq!(client.verify_attestation(long, now).await, too_large);
}
