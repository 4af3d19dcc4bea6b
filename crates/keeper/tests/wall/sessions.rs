//! Temporary credentials.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{CLAIMS_BYTES_MAX, KeeperError, Reason};

use crate::playground::{options, ready, sealed};

const SCOPE: (&str, &str, &str) = ("20260102", "us-east-1", "kms");

#[tokio::test]
async fn a_token_gives_back_its_claims_and_the_key_of_its_secret() {
    let (client, keyring, folder) = ready().await;
    let claims = b"{\"role\":\"arn:aws:iam::111122223333:role/r\"}".to_vec();
    let (token, secret) = client.issue_session("ASIAEXAMPLE", claims.clone()).await.unwrap();
    assert_eq!(secret.len(), 40);
    assert!(secret.expose().iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/')));
    let start = [b"AWS4", secret.expose()].concat();
    let expected = [SCOPE.0, SCOPE.1, SCOPE.2, "aws4_request"].iter().fold(start, |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    for client in [&client, &later] {
        let opened = client.open_session("ASIAEXAMPLE", token.clone(), SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
        assert_eq!((opened.0, opened.1.expose()), (claims.clone(), expected.as_slice()));
    }
    let (other_token, other_secret) = client.issue_session("ASIAEXAMPLE", claims).await.unwrap();
    assert!(other_token != token && other_secret != secret);
}

#[tokio::test]
async fn another_id_another_keyring_and_every_change_are_refused() {
    let (client, _, _folder) = ready().await;
    let (stranger, _, _other_folder) = ready().await;
    let (token, _) = client.issue_session("ASIAEXAMPLE", b"claims".to_vec()).await.unwrap();
    let mut attempts = vec![
        (&client, "ASIAEXAMPLF", token.clone()),
        (&client, "ASIAEXAMPL", token.clone()),
        (&stranger, "ASIAEXAMPLE", token.clone()),
        (&client, "ASIAEXAMPLE", vec![]),
    ];
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1;
        attempts.push((&client, "ASIAEXAMPLE", changed));
        attempts.push((&client, "ASIAEXAMPLE", token[..at].to_vec()));
    }
    for (client, id, token) in attempts {
        let refused = client.open_session(id, token, SCOPE.0, SCOPE.1, SCOPE.2).await;
        assert_eq!(refused.err(), Some(KeeperError::Failed));
    }
    client.open_session("ASIAEXAMPLE", token, SCOPE.0, SCOPE.1, SCOPE.2).await.unwrap();
}

#[tokio::test]
async fn claims_have_a_bound() {
    let (client, _, _folder) = ready().await;
    client.issue_session("ASIAEXAMPLE", vec![0; CLAIMS_BYTES_MAX]).await.unwrap();
    let refused = client.issue_session("ASIAEXAMPLE", vec![0; CLAIMS_BYTES_MAX + 1]).await;
    assert_eq!(refused.err(), Some(KeeperError::Refused(Reason::TooLarge)));
}
