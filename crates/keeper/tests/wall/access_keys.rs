//! Secret access keys and signing keys.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{KeeperError, Reason};
use kanuki_types::SecretBytes;

use crate::playground::{ready, shows};

/// The derivation of the AWS IAM user guide, written a second time.
fn signing_key(secret: &[u8], parts: [&str; 3]) -> Vec<u8> {
    let start = [b"AWS4", secret].concat();
    parts.iter().chain([&"aws4_request"]).fold(start, |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    })
}

#[tokio::test]
async fn the_signing_key_is_that_of_the_secret_that_was_shown_once() {
    let known = signing_key(b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ["20150830", "us-east-1", "iam"]);
    let hex: String = known.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");

    let (client, _, _folder) = ready().await;
    let (sealed, secret) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    assert_eq!(secret.len(), 40);
    assert!(secret.expose().iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/')));
    assert!(!shows(&sealed, secret.expose()));
    for scope in [["20150830", "us-east-1", "iam"], ["20150831", "us-east-1", "iam"], ["20150830", "eu-west-1", "kms"]]
    {
        let key = client.signing_key("AKIAEXAMPLE", sealed.clone(), scope[0], scope[1], scope[2]).await.unwrap();
        assert_eq!(key.expose(), signing_key(secret.expose(), scope));
    }
    let (_, other) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    assert!(other != secret);
}

#[tokio::test]
async fn another_id_another_kind_of_blob_and_another_keyring_are_refused() {
    let (client, _, _folder) = ready().await;
    let (stranger, _, _other_folder) = ready().await;
    let (sealed, _) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    let (token, _) = client.issue_session("AKIAEXAMPLE", vec![b'x'; 40]).await.unwrap();
    let record = client.seal_records(vec![(b"AKIAEXAMPLE".to_vec(), vec![b'x'; 40])]).await.unwrap().remove(0);
    let scope = ("20150830", "us-east-1", "iam");
    for (client, id, blob) in [
        (&client, "AKIAEXAMPLF", &sealed),
        (&client, "AKIAEXAMPLE", &token),
        (&client, "AKIAEXAMPLE", &record),
        (&stranger, "AKIAEXAMPLE", &sealed),
    ] {
        let refused = client.signing_key(id, blob.clone(), scope.0, scope.1, scope.2).await;
        assert_eq!(refused.err(), Some(KeeperError::Failed));
    }
    client.signing_key("AKIAEXAMPLE", sealed, scope.0, scope.1, scope.2).await.unwrap();
}

#[tokio::test]
async fn ids_and_scopes_out_of_form_are_refused() {
    let (client, _, _folder) = ready().await;
    let (sealed, _) = client.create_access_key("AKIAEXAMPLE").await.unwrap();
    let bad = Some(KeeperError::Refused(Reason::BadRequest));
    let long = Some(KeeperError::Refused(Reason::TooLarge));
    assert_eq!(client.create_access_key("").await.err(), bad);
    assert_eq!(client.create_access_key(&"A".repeat(129)).await.err(), long);
    let key = |date: &'static str, region: String| {
        let (client, sealed) = (client.clone(), sealed.clone());
        async move { client.signing_key("AKIAEXAMPLE", sealed, date, &region, "kms").await.err() }
    };
    assert_eq!(key("2015083", "us-east-1".into()).await, bad);
    assert_eq!(key("20150830", "x".repeat(65)).await, long);
    assert_eq!(key("20150830", "x".repeat(64)).await, None);
}

#[tokio::test]
async fn a_secret_of_another_system_signs_under_its_name_alone() {
    let (client, _, _folder) = ready().await;
    let secret = SecretBytes::new(b"0123456789012345678901234567890123456789012".to_vec());
    let sealed = client.seal_access_key("xks/cks-1/ABCDEFGHIJKLMNOPQRST", &secret).await.unwrap();
    assert!(!shows(&sealed, secret.expose()));
    let scope = ["20150830", "us-east-1", "kms-xks-proxy"];
    let key = |name: &'static str| client.signing_key(name, sealed.clone(), scope[0], scope[1], scope[2]);
    assert_eq!(key("xks/cks-1/ABCDEFGHIJKLMNOPQRST").await.unwrap().expose(), signing_key(secret.expose(), scope));
    assert_eq!(key("xks/cks-2/ABCDEFGHIJKLMNOPQRST").await.err(), Some(KeeperError::Failed));
    let of = |length: usize| SecretBytes::new(vec![b'x'; length]);
    let refused = |reason| Some(KeeperError::Refused(reason));
    assert_eq!(client.seal_access_key("x", &of(0)).await.err(), refused(Reason::BadRequest));
    assert_eq!(client.seal_access_key("x", &of(129)).await.err(), refused(Reason::TooLarge));
    assert_eq!(client.seal_access_key("", &of(40)).await.err(), refused(Reason::BadRequest));
}
