//! Seeds of one-time codes, and verdicts about codes.

use aws_lc_rs::hmac;
use kanuki_keeper_protocol::{Client, KeeperError, MFA_REACH_STEPS_MAX, MfaSteps, Reason};

use crate::playground::{options, ready, sealed, shows};

const DEVICE: &str = "111122223333/mfa/alice";

fn from_base32(text: &[u8]) -> Vec<u8> {
    let fives = text.iter().map(|c| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' });
    let bits: Vec<u8> = fives.flat_map(|five| (0..5).rev().map(move |bit| (five >> bit) & 1)).collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| (byte << 1) | bit)).collect()
}

/// The derivation of RFC 6238, written a second time.
fn code(seed: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap());
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

async fn device(client: &Client) -> (Vec<u8>, Vec<u8>) {
    let (blob, text) = client.create_mfa_seed(DEVICE).await.unwrap();
    assert_eq!(text.len(), 64);
    let seed = from_base32(text.expose());
    assert!(!shows(&blob, &seed) && !shows(&blob, text.expose()));
    (blob, seed)
}

#[tokio::test]
async fn codes_of_the_seed_that_was_shown_once_are_right_for_their_step_only() {
    let (client, keyring, folder) = ready().await;
    let (blob, seed) = device(&client).await;
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    let steps = MfaSteps { present: 1_000, reach: 1, last_taken: None };
    for client in [&client, &later] {
        for (step, answer) in [(998, None), (999, Some(999)), (1_000, Some(1_000)), (1_001, Some(1_001)), (1_002, None)]
        {
            let found = client.check_mfa_code(DEVICE, &blob, &code(&seed, step), None, steps).await.unwrap();
            assert_eq!(found, answer, "{step}");
        }
        for wrong in ["", "00000", "0000000", "abcdef", "\u{ff}"] {
            assert_eq!(client.check_mfa_code(DEVICE, &blob, wrong, None, steps).await, Ok(None), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_step_that_was_taken_and_every_earlier_one_are_refused() {
    let (client, _, _folder) = ready().await;
    let (blob, seed) = device(&client).await;
    for (step, answer) in [(999, None), (1_000, None), (1_001, Some(1_001))] {
        let steps = MfaSteps { present: 1_000, reach: 1, last_taken: Some(1_000) };
        assert_eq!(client.check_mfa_code(DEVICE, &blob, &code(&seed, step), None, steps).await, Ok(answer), "{step}");
    }
}

#[tokio::test]
async fn two_codes_count_only_one_after_the_other() {
    let (client, _, _folder) = ready().await;
    let (blob, seed) = device(&client).await;
    let steps = MfaSteps { present: 1_000, reach: 10, last_taken: None };
    for (first, second, answer) in
        [(995, 996, Some(996)), (996, 995, None), (995, 997, None), (995, 995, None), (989, 990, None)]
    {
        let next = code(&seed, second);
        let found = client.check_mfa_code(DEVICE, &blob, &code(&seed, first), Some(&next), steps).await;
        assert_eq!(found, Ok(answer), "{first} {second}");
    }
}

#[tokio::test]
async fn another_device_another_kind_of_blob_and_another_keyring_are_refused() {
    let (client, _, _folder) = ready().await;
    let (stranger, _, _other_folder) = ready().await;
    let (blob, seed) = device(&client).await;
    let (access_key, _) = client.create_access_key(DEVICE).await.unwrap();
    let steps = MfaSteps { present: 1_000, reach: 1, last_taken: None };
    let code = code(&seed, 1_000);
    let mut attempts =
        vec![(&client, "other", blob.clone()), (&stranger, DEVICE, blob.clone()), (&client, DEVICE, access_key)];
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        attempts.push((&client, DEVICE, changed));
    }
    for (client, device, blob) in attempts {
        let refused = client.check_mfa_code(device, &blob, &code, None, steps).await;
        assert_eq!(refused, Err(KeeperError::Failed));
    }
    assert_eq!(client.check_mfa_code(DEVICE, &blob, &code, None, steps).await, Ok(Some(1_000)));
}

#[tokio::test]
async fn names_and_reach_have_bounds() {
    let (client, _, _folder) = ready().await;
    let (blob, _) = device(&client).await;
    let long = Err(KeeperError::Refused(Reason::TooLarge));
    let reach = MFA_REACH_STEPS_MAX + 1;
    let steps = MfaSteps { present: 1_000, reach, last_taken: None };
    assert_eq!(client.check_mfa_code(DEVICE, &blob, "000000", None, steps).await, long);
    assert_eq!(client.create_mfa_seed("").await.err(), Some(KeeperError::Refused(Reason::BadRequest)));
    assert_eq!(client.create_mfa_seed(&"x".repeat(1025)).await.err(), Some(KeeperError::Refused(Reason::TooLarge)));
}
