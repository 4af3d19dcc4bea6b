//! Messages about denials: they open for their account, under their keyring, unchanged, and not otherwise.

use kanuki_keeper_protocol::{AUTHORIZATION_MESSAGE_BYTES_MAX, KeeperError, Reason, SEALED_OVERHEAD};

use crate::playground::{account, options, ready, refused, sealed, shows};

#[tokio::test]
async fn a_message_opens_for_its_account_also_after_a_restart() {
    let (client, keyring, folder) = ready().await;
    let message = b"canary: who was refused, and why".as_slice();
    let blob = client.seal_authorization_message(account(), message).await.unwrap();
    assert_eq!(blob.len(), message.len() + SEALED_OVERHEAD);
    assert!(!shows(&blob, &message[..12]));
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    for keeper in [&client, &later] {
        assert_eq!(keeper.open_authorization_message(account(), &blob).await.unwrap(), message);
        let other = "444455556666".parse().unwrap();
        assert_eq!(keeper.open_authorization_message(other, &blob).await, Err(KeeperError::Failed));
    }
    let (stranger, _, _other_folder) = ready().await;
    assert_eq!(stranger.open_authorization_message(account(), &blob).await, Err(KeeperError::Failed));
}

#[tokio::test]
async fn every_change_and_every_truncation_is_refused() {
    let (client, _, _folder) = ready().await;
    let blob = client.seal_authorization_message(account(), b"message").await.unwrap();
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        for wrong in [&changed, &blob[..at].to_vec()] {
            assert_eq!(client.open_authorization_message(account(), wrong).await, Err(KeeperError::Failed), "{at}");
        }
    }
}

/// What is sealed for one purpose is nothing for another.
#[tokio::test]
async fn a_message_is_no_token_and_no_record_nor_the_other_way_round() {
    let (client, _, _folder) = ready().await;
    let place = account().to_bytes().to_vec();
    let message = client.seal_authorization_message(account(), b"message").await.unwrap();
    let record = client.seal_records(vec![(place.clone(), b"message".to_vec())]).await.unwrap().remove(0);
    let (token, _) = client.issue_session("ASIA", b"message".to_vec()).await.unwrap();
    assert_eq!(client.open_records(vec![(place, message.clone())]).await.unwrap(), [None]);
    assert!(client.open_session("ASIA", message, "20150830", "us-east-1", "sts").await.is_err());
    for other in [record, token] {
        assert_eq!(client.open_authorization_message(account(), &other).await, Err(KeeperError::Failed));
    }
}

#[tokio::test]
async fn lengths_are_bounded() {
    let (client, _, _folder) = ready().await;
    let longest = vec![b'x'; AUTHORIZATION_MESSAGE_BYTES_MAX];
    let blob = client.seal_authorization_message(account(), &longest).await.unwrap();
    assert_eq!(client.open_authorization_message(account(), &blob).await.unwrap(), longest);
    let longer = vec![b'x'; AUTHORIZATION_MESSAGE_BYTES_MAX + 1];
    assert_eq!(client.seal_authorization_message(account(), &longer).await, refused(Reason::TooLarge));
    let longer = [blob.as_slice(), &[0]].concat();
    assert_eq!(client.open_authorization_message(account(), &longer).await, refused(Reason::TooLarge));
}
