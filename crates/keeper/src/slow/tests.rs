//! The lanes, and a worker that panics.

use kanuki_keeper_protocol::KeyPlace;

use super::*;

#[test]
fn rsa_keys_are_made_in_their_own_lane_and_symmetric_work_is_in_none() {
    let create = |spec| {
        let account = "111122223333".parse().unwrap();
        let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap();
        let key = KeyPlace { account, region: "us-east-1".parse().unwrap(), key_id, spec };
        lane(&Request::CreateMaterial { key })
    };
    for spec in KeySpec::ALL.iter().copied() {
        let expected = match spec.as_str() {
            name if name.starts_with("RSA") => Some(Lane::Generation),
            name if name.starts_with("ML_") => Some(Lane::Operation),
            "ECC_NIST_P384" | "ECC_NIST_P521" | "ECC_SECG_P256K1" => Some(Lane::Operation),
            _ => None,
        };
        assert_eq!(create(spec), expected, "{spec}");
    }
    assert_eq!(lane(&Request::GenerateRandom { length: 1 }), None);
}

#[test]
fn workers_that_cannot_be_made_ready_are_an_error_and_end() {
    assert!(Slow::start(|| false).is_err());
    assert!(Slow::start(|| panic!("a library that panics")).is_err());
    drop(Slow::start(|| true).unwrap());
}

#[test]
fn an_idle_pool_does_not_wait() {
    Slow::start(|| true).unwrap().wait_until_idle();
}
