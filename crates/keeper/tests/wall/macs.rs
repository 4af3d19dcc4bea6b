//! GenerateMac and VerifyMac.

use kanuki_keeper_protocol::{KeeperError, MESSAGE_BYTES_MAX, Reason};
use kanuki_types::{KeySpec, MacAlgorithm};

use crate::playground::{given, hex, made, ready, refused};

const SPECS: [(KeySpec, MacAlgorithm, usize); 4] = [
    (KeySpec::Hmac224, MacAlgorithm::HmacSha224, 28),
    (KeySpec::Hmac256, MacAlgorithm::HmacSha256, 32),
    (KeySpec::Hmac384, MacAlgorithm::HmacSha384, 48),
    (KeySpec::Hmac512, MacAlgorithm::HmacSha512, 64),
];

#[tokio::test]
async fn macs_verify_and_every_change_is_noticed() {
    let (client, _, _folder) = ready().await;
    let long = vec![7; MESSAGE_BYTES_MAX];
    for (spec, algorithm, length) in SPECS {
        let (key, public_key) = made(&client, spec).await;
        let (stranger, _) = made(&client, spec).await;
        assert!(public_key.is_empty());
        for message in [b"m".as_slice(), &long] {
            let mac = client.mac(key.as_ref(), algorithm, message).await.unwrap();
            assert_eq!(mac.len(), length);
            let verify = async |message: &[u8], mac: &[u8]| {
                client.verify_mac(key.as_ref(), algorithm, message, mac).await.unwrap()
            };
            assert!(verify(message, &mac).await);
            assert!(!verify(b"n", &mac).await);
            assert!(!verify(message, &mac[..length - 1]).await && !verify(message, b"").await);
            assert!(!verify(message, &[mac.as_slice(), &[0]].concat()).await);
            for at in 0..length {
                let mut changed = mac.clone();
                changed[at] ^= 0x80;
                assert!(!verify(message, &changed).await, "{spec} byte {at}");
            }
            assert_eq!(client.verify_mac(stranger.as_ref(), algorithm, message, &mac).await, Ok(false));
        }
        let too_long = vec![7; MESSAGE_BYTES_MAX + 1];
        assert_eq!(client.mac(key.as_ref(), algorithm, &too_long).await, refused(Reason::TooLarge));
    }
}

#[tokio::test]
async fn algorithms_of_other_specs_are_refused() {
    let (client, _, _folder) = ready().await;
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2) {
        let (key, _) = made(&client, spec).await;
        for algorithm in MacAlgorithm::ALL.iter().copied().filter(|a| !SPECS.iter().any(|s| (s.0, s.1) == (spec, *a))) {
            let unsupported = Reason::UnsupportedAlgorithm;
            assert_eq!(client.mac(key.as_ref(), algorithm, b"m").await, refused(unsupported), "{spec} {algorithm}");
            let verified = client.verify_mac(key.as_ref(), algorithm, b"m", b"t").await;
            assert_eq!(verified, refused(unsupported), "{spec} {algorithm}");
        }
    }
}

/// RFC 4231, test cases 6 and 7 have keys of 131 bytes, over the API's limit; case 3 has 20 bytes of 0xaa, under it.
/// What is left are keys padded with zeros, which HMAC does not tell from shorter ones: cases 1, 2 and 3.
#[tokio::test]
async fn macs_are_those_of_the_standard() {
    let (client, _, _folder) = ready().await;
    let cases: [(&[u8], &[u8], [&str; 4]); 3] = [
        (
            &[0x0b; 20],
            b"Hi There",
            [
                "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb6\
                 1f1702e696c203a126854",
            ],
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            [
                "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4\
                 a6b4b636e070a38bce737",
            ],
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            [
                "7fb3cb3588c6c1f6ffa9694d7d6ad2649365b0c1f65d69d1ec8333ea",
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
                "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee\
                 8942674278859e13292fb",
            ],
        ),
    ];
    for (key, message, macs) in cases {
        for ((spec, algorithm, length), expected) in SPECS.into_iter().zip(macs) {
            let mut padded = key.to_vec();
            padded.resize(length.max(key.len()), 0);
            let (key, _) = given(&client, spec, &padded).await.unwrap();
            assert_eq!(hex(&client.mac(key.as_ref(), algorithm, message).await.unwrap()), expected, "{spec}");
        }
    }
}

#[tokio::test]
async fn given_keys_have_bounds() {
    let (client, _, _folder) = ready().await;
    for (spec, _, length) in SPECS {
        for good in [length, length + 1, 128] {
            given(&client, spec, &vec![1; good]).await.unwrap();
        }
        for bad in [0, length - 1, 129] {
            let refusal = given(&client, spec, &vec![1; bad]).await.err();
            assert_eq!(refusal, Some(KeeperError::Refused(Reason::BadRequest)), "{spec} {bad}");
        }
    }
}
