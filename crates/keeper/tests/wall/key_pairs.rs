//! Data key pairs.

use kanuki_keeper_protocol::{CIPHERTEXT_OVERHEAD, KeeperError, Reason};
use kanuki_types::{DataKeyPairSpec, KeySpec};

use crate::playground::{given, material, ready, shows};

#[tokio::test]
async fn the_private_half_decrypts_to_itself_and_fits_the_public_half() {
    let (client, _, _folder) = ready().await;
    let symmetric = material(&client).await;
    for spec in DataKeyPairSpec::ALL.iter().copied().filter(|spec| *spec != DataKeyPairSpec::Sm2) {
        let (ciphertext, public, private) =
            client.generate_data_key_pair(symmetric.as_ref(), spec, b"aad", true).await.unwrap();
        let private = private.unwrap();
        assert_eq!(ciphertext.len(), private.len() + CIPHERTEXT_OVERHEAD, "{spec}");
        assert!(!shows(&ciphertext, &private.expose()[private.len() - 32..]), "{spec}");
        assert!(client.decrypt(symmetric.as_ref(), &ciphertext, b"aad").await.unwrap() == private, "{spec}");
        let wrong = client.decrypt(symmetric.as_ref(), &ciphertext, b"other").await;
        assert_eq!(wrong.err(), Some(KeeperError::Failed), "{spec}");
        let key_spec = KeySpec::from_wire(spec.as_str()).unwrap();
        assert_eq!(given(&client, key_spec, private.expose()).await.unwrap().1, public, "{spec}");

        let (ciphertext, other_public, hidden) =
            client.generate_data_key_pair(symmetric.as_ref(), spec, b"aad", false).await.unwrap();
        assert!(hidden.is_none() && other_public != public, "{spec}");
        let opened = client.decrypt(symmetric.as_ref(), &ciphertext, b"aad").await.unwrap();
        assert_eq!(given(&client, key_spec, opened.expose()).await.unwrap().1, other_public, "{spec}");
    }
    let pair = client.generate_data_key_pair(symmetric.as_ref(), DataKeyPairSpec::Sm2, &[], true).await;
    assert_eq!(pair.err(), Some(KeeperError::Refused(Reason::UnsupportedSpec)));
}
