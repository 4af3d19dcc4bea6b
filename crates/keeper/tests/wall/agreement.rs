//! DeriveSharedSecret.

use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey},
    encoding::{AsBigEndian as _, AsDer as _, EcPublicKeyCompressedBin},
};
use kanuki_keeper_protocol::{KeeperError, PEER_KEY_BYTES_MAX, Reason};
use kanuki_types::KeySpec;

use crate::playground::{made, ready};

const CURVES: [(KeySpec, &agreement::Algorithm, usize); 3] = [
    (KeySpec::EccNistP256, &ECDH_P256, 32),
    (KeySpec::EccNistP384, &ECDH_P384, 48),
    (KeySpec::EccNistP521, &ECDH_P521, 66),
];

#[tokio::test]
async fn both_sides_get_the_same_x_coordinate() {
    let (client, _, _folder) = ready().await;
    for (spec, algorithm, length) in CURVES {
        let (ours, our_public) = made(&client, spec).await;
        let (theirs, their_public) = made(&client, spec).await;
        let secret = client.derive_shared_secret(ours.as_ref(), &their_public).await.unwrap();
        assert_eq!(secret.len(), length);
        assert!(client.derive_shared_secret(theirs.as_ref(), &our_public).await.unwrap() == secret);
        assert!(client.derive_shared_secret(ours.as_ref(), &our_public).await.unwrap() != secret);

        let stranger = PrivateKey::generate(algorithm).unwrap();
        let public = stranger.compute_public_key().unwrap().as_der().unwrap().as_ref().to_vec();
        let secret = client.derive_shared_secret(ours.as_ref(), &public).await.unwrap();
        let peer = UnparsedPublicKey::new(algorithm, our_public.as_slice());
        agreement::agree(&stranger, peer, (), |theirs| {
            assert_eq!(theirs, secret.expose());
            Ok(())
        })
        .unwrap();
    }
}

#[tokio::test]
async fn peers_of_other_curves_and_malformed_ones_are_refused() {
    let (client, _, _folder) = ready().await;
    let bad = Some(KeeperError::Refused(Reason::BadPeerKey));
    let mut publics = Vec::new();
    for spec in KeySpec::ALL.iter().copied().filter(|spec| spec.as_str().starts_with(['E', 'R'])) {
        publics.push((spec, made(&client, spec).await.1));
    }
    for (spec, algorithm, _) in CURVES {
        let (ours, public) = made(&client, spec).await;
        let derive = async |peer: &[u8]| client.derive_shared_secret(ours.as_ref(), peer).await.err();
        for (other, public) in publics.iter().filter(|(other, _)| *other != spec) {
            assert_eq!(derive(public).await, bad, "{spec} {other}");
        }
        let bare = agreement::PrivateKey::generate(algorithm).unwrap().compute_public_key().unwrap();
        let compressed: EcPublicKeyCompressedBin<'_> = bare.as_be_bytes().unwrap();
        for peer in [bare.as_ref(), compressed.as_ref(), &[], &public[1..], &[public.as_slice(), &[0]].concat()] {
            assert_eq!(derive(peer).await, bad, "{spec}");
        }
        for at in 0..public.len() {
            let mut off_curve = public.clone();
            off_curve[at] ^= 1;
            assert_eq!(derive(&off_curve).await, bad, "{spec} byte {at}");
        }
        let long = derive(&vec![0x30; PEER_KEY_BYTES_MAX + 1]).await;
        assert_eq!(long, Some(KeeperError::Refused(Reason::TooLarge)));
    }
}

#[tokio::test]
async fn specs_without_agreement_are_refused() {
    let (client, _, _folder) = ready().await;
    let (_, peer) = made(&client, KeySpec::EccNistP256).await;
    let others = KeySpec::ALL.iter().copied().filter(|spec| CURVES.iter().all(|(curve, ..)| curve != spec));
    for spec in others.filter(|spec| *spec != KeySpec::Sm2) {
        let (key, _) = made(&client, spec).await;
        let derived = client.derive_shared_secret(key.as_ref(), &peer).await.err();
        assert_eq!(derived, Some(KeeperError::Refused(Reason::UnsupportedSpec)), "{spec}");
    }
}
