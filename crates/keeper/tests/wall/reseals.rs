//! Material of multi-Region keys on its way to another Region: sealed on both sides, the same in both, and nothing else
//! moves.

use kanuki_keeper_protocol::{Client, KeeperError, MaterialPlace, NewMaterial, Reason, SealedMaterial};
use kanuki_types::{
    EncryptionAlgorithm, KeyId, KeySpec, MacAlgorithm, MaterialId, MessageType, Region, SigningAlgorithm,
};

use crate::playground::{account, made, options, ready, refused, region, sealed, secret, shows};

fn far() -> Region {
    "eu-west-1".parse().unwrap()
}

/// Material of a multi-Region key, where it was made.
fn placed(spec: KeySpec, new: NewMaterial) -> SealedMaterial {
    let (key_id, material_id) = (KeyId::multi_region([7; 16]), new.id);
    let place = MaterialPlace { account: account(), region: region(), key_id, material_id, spec };
    SealedMaterial { place, blob: new.sealed }
}

async fn multi_region(client: &Client, spec: KeySpec) -> SealedMaterial {
    let made = client.create_material(account(), &region(), KeyId::multi_region([7; 16]), spec).await;
    placed(spec, made.unwrap())
}

/// The copy of material in another Region.
async fn copy(client: &Client, original: &SealedMaterial, to: &Region) -> Result<SealedMaterial, KeeperError> {
    let blob = client.reseal_material(original.as_ref(), to).await?;
    Ok(SealedMaterial { place: MaterialPlace { region: to.clone(), ..original.place.clone() }, blob })
}

#[tokio::test]
async fn what_one_region_encrypts_the_other_opens_in_both_directions_and_after_a_restart() {
    let (client, keyring, folder) = ready().await;
    let here = multi_region(&client, KeySpec::SymmetricDefault).await;
    let there = copy(&client, &here, &far()).await.unwrap();
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    for (client, from, to) in [(&client, &here, &there), (&client, &there, &here), (&later, &there, &here)] {
        let blob = client.encrypt(from.as_ref(), &secret(b"attack at dawn"), b"aad").await.unwrap();
        assert_eq!(client.decrypt(to.as_ref(), &blob, b"aad").await.unwrap().expose(), b"attack at dawn");
        assert_eq!(client.decrypt(to.as_ref(), &blob, b"other").await.err(), Some(KeeperError::Failed));
    }
}

#[tokio::test]
async fn every_spec_moves_and_is_the_same_key_there() {
    let (client, _, _folder) = ready().await;
    for spec in KeySpec::ALL.iter().copied().filter(|spec| *spec != KeySpec::Sm2) {
        let here = multi_region(&client, spec).await;
        let there = copy(&client, &here, &far()).await.unwrap();
        match spec {
            KeySpec::SymmetricDefault => continue,
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                let algorithm = mac_algorithm(spec);
                let mac = client.mac(here.as_ref(), algorithm, b"x").await.unwrap();
                assert!(client.verify_mac(there.as_ref(), algorithm, b"x", &mac).await.unwrap(), "{spec}");
            }
            _ => {
                let both = [client.public_key(here.as_ref()).await, client.public_key(there.as_ref()).await];
                assert!(both[0].is_ok() && both[0] == both[1], "{spec}");
            }
        }
    }
}

fn mac_algorithm(spec: KeySpec) -> MacAlgorithm {
    match spec {
        KeySpec::Hmac224 => MacAlgorithm::HmacSha224,
        KeySpec::Hmac256 => MacAlgorithm::HmacSha256,
        KeySpec::Hmac384 => MacAlgorithm::HmacSha384,
        _ => MacAlgorithm::HmacSha512,
    }
}

/// The private half moved too, not only what can be told of it.
#[tokio::test]
async fn a_copy_signs_and_decrypts() {
    let (client, _, _folder) = ready().await;
    let (algorithm, raw) = (SigningAlgorithm::EcdsaSha256, MessageType::Raw);
    let here = multi_region(&client, KeySpec::EccNistP256).await;
    let there = copy(&client, &here, &far()).await.unwrap();
    let signature = client.sign(there.as_ref(), algorithm, raw, b"x").await.unwrap();
    assert!(client.verify(here.as_ref(), algorithm, raw, b"x", &signature).await.unwrap());
    let here = multi_region(&client, KeySpec::Rsa2048).await;
    let there = copy(&client, &here, &far()).await.unwrap();
    let oaep = EncryptionAlgorithm::RsaesOaepSha256;
    let blob = client.asymmetric_encrypt(here.as_ref(), oaep, &secret(b"x")).await.unwrap();
    assert_eq!(client.asymmetric_decrypt(there.as_ref(), oaep, &blob).await.unwrap().expose(), b"x");
}

#[tokio::test]
async fn a_copy_of_a_copy_comes_back() {
    let (client, _, _folder) = ready().await;
    let here = multi_region(&client, KeySpec::SymmetricDefault).await;
    let there = copy(&client, &here, &far()).await.unwrap();
    let back = copy(&client, &there, &region()).await.unwrap();
    assert_ne!(back.blob, here.blob);
    let blob = client.encrypt(back.as_ref(), &secret(b"x"), &[]).await.unwrap();
    assert_eq!(client.decrypt(here.as_ref(), &blob, &[]).await.unwrap().expose(), b"x");
}

/// A copy is bound to its Region as everything is, and the original does not open there.
#[tokio::test]
async fn a_copy_opens_in_its_region_only() {
    let (client, _, _folder) = ready().await;
    let here = multi_region(&client, KeySpec::SymmetricDefault).await;
    let there = copy(&client, &here, &far()).await.unwrap();
    for (what, blob, region) in [
        ("copy here", &there.blob, region()),
        ("original there", &here.blob, far()),
        ("elsewhere", &there.blob, "a".parse().unwrap()),
    ] {
        let place = MaterialPlace { region, ..here.place.clone() };
        let moved = SealedMaterial { place, blob: blob.clone() };
        assert_eq!(client.encrypt(moved.as_ref(), &secret(b"x"), &[]).await.err(), Some(KeeperError::Failed), "{what}");
    }
}

#[tokio::test]
async fn material_of_a_single_region_key_never_moves() {
    let (client, _, _folder) = ready().await;
    for spec in [KeySpec::SymmetricDefault, KeySpec::EccNistP256, KeySpec::Hmac256] {
        let (single, _) = made(&client, spec).await;
        assert_eq!(client.reseal_material(single.as_ref(), &far()).await, refused(Reason::BadRequest), "{spec}");
        // Nor under a multi-Region name.
        let mut renamed = single.clone();
        renamed.place.key_id = KeyId::multi_region([7; 16]);
        assert_eq!(client.reseal_material(renamed.as_ref(), &far()).await, Err(KeeperError::Failed), "{spec}");
    }
}

#[tokio::test]
async fn only_what_opens_at_its_place_moves() {
    let (client, _, _folder) = ready().await;
    let good = multi_region(&client, KeySpec::SymmetricDefault).await;
    assert_eq!(client.reseal_material(good.as_ref(), &region()).await, refused(Reason::BadRequest), "where it is");
    type Change = fn(&mut SealedMaterial);
    let changes: [(&str, Change); 6] = [
        ("account", |m| m.place.account = "111122223334".parse().unwrap()),
        ("region", |m| m.place.region = "us-east-2".parse().unwrap()),
        ("key id", |m| m.place.key_id = KeyId::multi_region([8; 16])),
        ("material id", |m| m.place.material_id = MaterialId::new([1; 32])),
        ("spec", |m| m.place.spec = KeySpec::Hmac256),
        ("blob", |m| m.blob[30] ^= 1),
    ];
    for (what, change) in changes {
        let mut wrong = good.clone();
        change(&mut wrong);
        assert_eq!(copy(&client, &wrong, &far()).await.err(), Some(KeeperError::Failed), "{what}");
    }
    let (stranger, _, _other_folder) = ready().await;
    assert_eq!(copy(&stranger, &good, &far()).await.err(), Some(KeeperError::Failed), "another keyring");
}

#[tokio::test]
async fn what_crosses_shows_nothing() {
    let (client, _, _folder) = ready().await;
    let canary = *b"canary-of-thirty-two-bytes-abcde";
    let (id, spec) = (KeyId::multi_region([7; 16]), KeySpec::SymmetricDefault);
    let given = client.insecure_seal_material(account(), &region(), id, spec, secret(&canary)).await.unwrap();
    let there = copy(&client, &placed(spec, given.clone()), &far()).await.unwrap();
    assert!(!shows(&there.blob, &canary[..12]));
    // The id that the material has there is the one that it would be given there.
    let again = client.insecure_seal_material(account(), &far(), id, spec, secret(&canary)).await.unwrap();
    assert_eq!((again.id, there.place.material_id), (given.id, given.id));
}
