//! Tests of request quotas.

use super::*;
use crate::operations;

fn chosen(text: &str) -> RequestQuotas {
    serde_json::from_str(text).unwrap()
}

fn account(digit: u8) -> AccountId {
    digit.to_string().repeat(12).parse().unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

fn taken(quotas: &Quotas, account: AccountId, region: &Region, group: Group) -> usize {
    (0..1000).take_while(|_| quotas.charge(account, region, group, at(0)).is_ok()).count()
}

#[test]
fn operations_on_key_material_are_charged_by_key_and_every_other_one_by_itself() {
    let by_key = [
        "Decapsulate",
        "Decrypt",
        "DeriveSharedSecret",
        "Encapsulate",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "ReEncrypt",
        "Sign",
        "Verify",
        "VerifyMac",
    ];
    for descriptor in operations::descriptors().filter(|descriptor| descriptor.service == Service::Kms) {
        let expected_by_key = by_key.contains(&descriptor.name);
        assert_eq!(draw_of(descriptor.name) == Draw::ByKey, expected_by_key, "{}", descriptor.name);
    }
    assert_eq!(draw_of("GenerateRandom"), Draw::One(SYMMETRIC));
    assert_eq!(draw_of("GenerateDataKeyPair"), Draw::ByPairSpec);
}

#[test]
fn names_and_places_of_groups_agree() {
    use kanuki_types::{DataKeyPairSpec, KeySpec};
    let name = |group: Group| GROUPS[group.0].0;
    for spec in KeySpec::ALL {
        let expected = match spec.as_str() {
            name if name.starts_with("RSA") => "rsa",
            name if name.starts_with("ECC") || name == "SM2" => "ecc",
            name if name.starts_with("ML_DSA") => "ml_dsa",
            name if name.starts_with("ML_KEM") => "ml_kem",
            name if name.starts_with("HMAC") || name == "SYMMETRIC_DEFAULT" => "symmetric",
            other => panic!("{other} is in no group"),
        };
        assert_eq!(name(of_key(*spec)), expected, "{spec}");
    }
    for spec in DataKeyPairSpec::ALL {
        let group = name(of_pair_spec(spec.as_str()));
        let expected = match spec.as_str() {
            "ECC_NIST_EDWARDS25519" => "data_key_pair_ed25519".to_owned(),
            name if name.starts_with("ECC") || name.starts_with("ML_") => "data_key_pair_ecc".to_owned(),
            name => format!("data_key_pair_{}", name.to_lowercase()),
        };
        assert_eq!(group, expected);
    }
    let Draw::One(create_key) = draw_of("CreateKey") else { panic!() };
    assert_eq!(GROUPS[create_key.0], ("CreateKey", 5));
}

#[test]
fn accounts_regions_and_groups_have_quotas_of_their_own() {
    let quotas = Quotas::new(&chosen(
        r#"{"burst_seconds": 1, "per_second": {"symmetric": 7, "rsa": 3}, "accounts": {"222222222222": {"rsa": 2}}}"#,
    ));
    let (here, there) = (region("us-east-1"), region("us-west-2"));
    let rsa = of_key(kanuki_types::KeySpec::Rsa2048);
    assert_eq!(taken(&quotas, account(1), &here, SYMMETRIC), 7);
    assert_eq!(taken(&quotas, account(1), &here, SYMMETRIC), 0);
    assert_eq!(taken(&quotas, account(1), &here, rsa), 3);
    assert_eq!(taken(&quotas, account(1), &there, SYMMETRIC), 7);
    assert_eq!(taken(&quotas, account(2), &here, rsa), 2);
    assert_eq!(taken(&quotas, account(2), &here, SYMMETRIC), 7);
    let error = quotas.charge(account(2), &here, rsa, at(0)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Throttling);
}

#[test]
fn more_accounts_than_places_share_one_quota() {
    let quotas = Quotas::new(&chosen(r#"{"burst_seconds": 1, "per_second": {"symmetric": 1}}"#));
    let number = |number: u64| format!("{number:012}").parse::<AccountId>().unwrap();
    let here = region("us-east-1");
    let free = (0..3 * PLACES as u64).filter(|n| quotas.charge(number(*n), &here, SYMMETRIC, at(0)).is_ok()).count();
    assert!(free <= PLACES + 1, "{free} accounts had a quota");
    assert!(free > PLACES / 2, "{free}");
    // Who was there first keeps a quota of its own.
    assert!(quotas.charge(number(0), &here, SYMMETRIC, at(1000)).is_ok());
}

#[test]
fn wrong_names_and_numbers_are_refused() {
    for wrong in [
        r#"{"per_second": {"Encrypt": 1}}"#,
        r#"{"per_second": {"symmetric": 0}}"#,
        r#"{"per_second": {"symmetric": 10000001}}"#,
        r#"{"accounts": {"111122223333": {"nothing": 1}}}"#,
        r#"{"burst_seconds": 0}"#,
        r#"{"burst_seconds": 3601}"#,
    ] {
        assert!(chosen(wrong).check().is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<RequestQuotas>(r#"{"per_secnd": {}}"#).is_err());
    assert_eq!(chosen(r#"{"per_second": {"CreateKey": 1}}"#).check(), Ok(()));
    assert_eq!(RequestQuotas::default().check(), Ok(()));
}
