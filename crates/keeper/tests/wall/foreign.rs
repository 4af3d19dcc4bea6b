//! Signatures of others: the examples of RFC 7515, and every algorithm with keys of this test.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kanuki_keeper_protocol::{
    Bytes, FOREIGN_KEY_BYTES_MAX, FOREIGN_MESSAGE_BYTES_MAX, ForeignAlgorithm, ForeignKey, KeeperError, Reason,
};

use crate::playground::ready;

const ALL: [ForeignAlgorithm; 6] = [
    ForeignAlgorithm::Es256,
    ForeignAlgorithm::Es384,
    ForeignAlgorithm::Es512,
    ForeignAlgorithm::Rs256,
    ForeignAlgorithm::Rs384,
    ForeignAlgorithm::Rs512,
];

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[tokio::test]
async fn examples_of_rfc_7515() {
    let (client, _, _folder) = ready().await;
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let x = decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    let y = decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let key = ForeignKey::Ec { x: Bytes(&x), y: Bytes(&y) };
    let signature = decoded("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    let message = format!("eyJhbGciOiJFUzI1NiJ9.{payload}");
    let verify = |message: String, signature: Vec<u8>| {
        let client = client.clone();
        async move { client.verify_foreign(key, ForeignAlgorithm::Es256, message.as_bytes(), &signature).await }
    };
    assert_eq!(verify(message.clone(), signature.clone()).await, Ok(true));
    assert_eq!(verify(format!("{message}x"), signature.clone()).await, Ok(false));
    assert_eq!(verify(message.clone(), vec![0; 64]).await, Ok(false), "zeros, which careless verifiers take");
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert_eq!(verify(message.clone(), changed).await, Ok(false), "{at}");
    }
}

#[tokio::test]
async fn ecdsa_of_every_curve() {
    let (client, _, _folder) = ready().await;
    let curves: [(_, &'static EcdsaSigningAlgorithm); 3] = [
        (ForeignAlgorithm::Es256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (ForeignAlgorithm::Es384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (ForeignAlgorithm::Es512, &ECDSA_P521_SHA512_FIXED_SIGNING),
    ];
    for (own, scheme) in curves {
        let pair = EcdsaKeyPair::generate(scheme).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let key = ForeignKey::Ec { x: Bytes(x), y: Bytes(y) };
        for algorithm in ALL {
            let verdict = client.verify_foreign(key, algorithm, b"message", signature.as_ref()).await;
            let is_ec =
                matches!(algorithm, ForeignAlgorithm::Es256 | ForeignAlgorithm::Es384 | ForeignAlgorithm::Es512);
            let refused = Err(KeeperError::Refused(Reason::UnsupportedAlgorithm));
            assert_eq!(verdict, if is_ec { Ok(algorithm == own) } else { refused }, "{own:?} {algorithm:?}");
        }
        // The same bytes divided elsewhere are another point, or none.
        let key = ForeignKey::Ec { x: Bytes(&point[..1]), y: Bytes(&point[1..]) };
        assert_eq!(client.verify_foreign(key, own, b"message", signature.as_ref()).await, Ok(false));
    }
}

#[tokio::test]
async fn rsa_of_every_hash() {
    let (client, _, _folder) = ready().await;
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // RSAPublicKey of RFC 8017 in DER, whose parts have fixed places in a key of 2048 bits.
    let public = pair.public_key().as_ref();
    let (modulus, exponent) = (&public[9..265], &public[267..]);
    let key = ForeignKey::Rsa { modulus: Bytes(modulus), exponent: Bytes(exponent) };
    for (own, encoding) in [
        (ForeignAlgorithm::Rs256, &RSA_PKCS1_SHA256),
        (ForeignAlgorithm::Rs384, &RSA_PKCS1_SHA384),
        (ForeignAlgorithm::Rs512, &RSA_PKCS1_SHA512),
    ] {
        let mut signature = vec![0; 256];
        pair.sign(encoding, &SystemRandom::new(), b"message", &mut signature).unwrap();
        for algorithm in &ALL[3..] {
            let verdict = client.verify_foreign(key, *algorithm, b"message", &signature).await;
            assert_eq!(verdict, Ok(*algorithm == own), "{own:?} {algorithm:?}");
        }
        let refused = client.verify_foreign(key, ForeignAlgorithm::Es256, b"message", &signature).await;
        assert_eq!(refused, Err(KeeperError::Refused(Reason::UnsupportedAlgorithm)));
    }
    // A key too short to trust verifies nothing.
    let key = ForeignKey::Rsa { modulus: Bytes(&modulus[..128]), exponent: Bytes(exponent) };
    assert_eq!(client.verify_foreign(key, ForeignAlgorithm::Rs256, b"message", &[1; 128]).await, Ok(false));
}

#[tokio::test]
async fn lengths_have_bounds() {
    let (client, _, _folder) = ready().await;
    let refused = Err(KeeperError::Refused(Reason::TooLarge));
    let long = vec![1; FOREIGN_KEY_BYTES_MAX + 1];
    let (short, whole) = (ForeignKey::Ec { x: Bytes(&[1]), y: Bytes(&[1]) }, &long[1..]);
    let check = |key, message: Vec<u8>, signature: Vec<u8>| {
        let client = client.clone();
        async move { client.verify_foreign(key, ForeignAlgorithm::Es256, &message, &signature).await }
    };
    let long_key = ForeignKey::Ec { x: Bytes(&long), y: Bytes(&[1]) };
    assert_eq!(check(long_key, vec![], vec![]).await, refused);
    assert_eq!(check(short, vec![0; FOREIGN_MESSAGE_BYTES_MAX + 1], vec![]).await, refused);
    assert_eq!(check(short, vec![], long.clone()).await, refused);
    assert_eq!(check(short, vec![0; FOREIGN_MESSAGE_BYTES_MAX], whole.to_vec()).await, Ok(false));
}
