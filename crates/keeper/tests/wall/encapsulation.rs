//! ML-KEM: encapsulation and decapsulation, and the written forms of its keys.

use aws_lc_rs::kem::{Algorithm, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
use kanuki_keeper_protocol::{KeeperError, Reason};
use kanuki_types::{DataKeyPairSpec, KeySpec};

use crate::playground::{given, hex, made, material, ready};

/// FIPS 203, table 3: public key, private key and ciphertext, in bytes.
const SETS: [(KeySpec, &Algorithm, usize, usize, usize); 3] = [
    (KeySpec::MlKem512, &ML_KEM_512, 800, 1632, 768),
    (KeySpec::MlKem768, &ML_KEM_768, 1184, 2400, 1088),
    (KeySpec::MlKem1024, &ML_KEM_1024, 1568, 3168, 1568),
];

#[tokio::test]
async fn secrets_open_to_themselves_and_changed_ones_to_others() {
    let (client, _, _folder) = ready().await;
    for (spec, algorithm, public_bytes, _, ciphertext_bytes) in SETS {
        let (key, spki) = made(&client, spec).await;
        let (ciphertext, secret) = client.encapsulate(key.as_ref()).await.unwrap();
        assert_eq!((ciphertext.len(), secret.len()), (ciphertext_bytes, 32));
        assert!(client.decapsulate(key.as_ref(), &ciphertext).await.unwrap() == secret, "{spec}");
        let (other, other_secret) = client.encapsulate(key.as_ref()).await.unwrap();
        assert!(other != ciphertext && other_secret != secret);

        // RFC 9935, section 4: the bit string holds the bare key.
        let bare = &spki[spki.len() - public_bytes..];
        let (theirs, secret) = EncapsulationKey::new(algorithm, bare).unwrap().encapsulate().unwrap();
        assert_eq!(client.decapsulate(key.as_ref(), theirs.as_ref()).await.unwrap().expose(), secret.as_ref());

        let mut changed = ciphertext.clone();
        changed[100] ^= 1;
        let rejected = client.decapsulate(key.as_ref(), &changed).await.unwrap();
        assert!(rejected != other_secret && rejected.len() == 32);
        assert!(client.decapsulate(key.as_ref(), &changed).await.unwrap() == rejected, "the same each time");
        for bytes in [&ciphertext[1..], &[ciphertext.as_slice(), &[0]].concat(), &[]] {
            assert_eq!(client.decapsulate(key.as_ref(), bytes).await.err(), Some(KeeperError::Failed), "{spec}");
        }
    }
}

/// The bytes around the raw keys, taken apart by hand.
#[tokio::test]
async fn written_keys_have_the_published_form_and_no_other_is_taken() {
    let (client, _, _folder) = ready().await;
    let symmetric = material(&client).await;
    for (arc, (spec, _, public_bytes, private_bytes, _)) in (1u8..).zip(SETS) {
        let pair = DataKeyPairSpec::from_wire(spec.as_str()).unwrap();
        let pair = client.generate_data_key_pair(symmetric.as_ref(), pair, &[], true).await.unwrap();
        let (public, private) = (pair.1, pair.2.unwrap());
        let identifier = format!("300b060960864801650304040{arc}");
        let length = |bytes: usize| format!("82{bytes:04x}");
        let expected = format!(
            "30{}{identifier}03{}00{}",
            length(public_bytes + 18),
            length(public_bytes + 1),
            hex(&public[public.len() - public_bytes..])
        );
        assert_eq!(hex(&public), expected);
        let (front, raw) = private.expose().split_at(private.len() - private_bytes);
        let expected = format!(
            "30{}020100{identifier}04{}04{}",
            length(private_bytes + 24),
            length(private_bytes + 4),
            length(private_bytes)
        );
        assert_eq!(hex(front), expected);

        assert_eq!(given(&client, spec, private.expose()).await.unwrap().1, public);
        let bad = Some(KeeperError::Refused(Reason::BadRequest));
        // Prefix, private part, public half, its hash.
        for at in [0, 3, 15, 25, 26, 30, front.len() + 7, front.len() + private_bytes / 2, private.len() - 60] {
            let mut changed = private.expose().to_vec();
            changed[at] ^= 1;
            assert_eq!(given(&client, spec, &changed).await.err(), bad, "{spec} byte {at}");
        }
        for wrong in [raw, &private.expose()[1..], &[private.expose(), &[0]].concat(), &[]] {
            assert_eq!(given(&client, spec, wrong).await.err(), bad, "{spec}");
        }
    }
}

#[tokio::test]
async fn other_specs_are_refused() {
    let (client, _, _folder) = ready().await;
    let unsupported = Some(KeeperError::Refused(Reason::UnsupportedSpec));
    for spec in [KeySpec::SymmetricDefault, KeySpec::Rsa2048, KeySpec::EccNistP256, KeySpec::MlDsa44] {
        let (key, _) = made(&client, spec).await;
        assert_eq!(client.encapsulate(key.as_ref()).await.err(), unsupported, "{spec}");
        assert_eq!(client.decapsulate(key.as_ref(), &[0; 768]).await.err(), unsupported, "{spec}");
    }
}
