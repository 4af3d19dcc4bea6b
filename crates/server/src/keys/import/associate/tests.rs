//! The rules of imports, on records alone.

use std::collections::{BTreeMap, BTreeSet};

use kanuki_types::{KeyManager, KeySpec, KeyUsage};

use super::*;
use crate::keys::StoredPolicy;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn arn() -> KeyArn {
    let text = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    KeyArn::from_arn(&text.parse().unwrap()).unwrap()
}

fn record() -> KeyRecord {
    KeyRecord {
        created: NOW,
        description: String::new(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::External,
        manager: KeyManager::Customer,
        state: KeyState::PendingImport,
        deletion_date: None,
        pending_window_days: None,
        policy: StoredPolicy { text: String::new(), principal_ids: BTreeMap::new() },
        tags: BTreeMap::new(),
        aliases: BTreeSet::new(),
        materials: Vec::new(),
        current_material: None,
        pending_material: None,
        rotation: None,
        outside: None,
        on_demand_rotations: 0,
        multi_region: None,
    }
}

fn id(number: u8) -> MaterialId {
    MaterialId::new([number; 32])
}

/// Imports the material of that number.
fn import(record: &mut KeyRecord, number: u8, terms: &ImportTerms) -> Result<(), ApiError> {
    let new = NewMaterial { id: id(number), sealed: vec![number; 8], public_key: None };
    associate(&arn(), record, new, NOW, terms)
}

fn of_type(import_type: ImportType) -> ImportTerms {
    ImportTerms { import_type: Some(import_type), ..ImportTerms::default() }
}

fn code(result: Result<(), ApiError>) -> ErrorCode {
    result.unwrap_err().code()
}

#[test]
fn the_first_import_makes_a_key_usable_and_fixes_its_bytes() {
    let mut record = record();
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!((record.state, record.current_material), (KeyState::Enabled, Some(id(1))));
    assert_eq!(code(import(&mut record, 2, &ImportTerms::default())), ErrorCode::IncorrectKeyMaterial);
    assert!(remove(&arn(), &mut record, &id(1)));
    assert_eq!((record.state, record.current_material), (KeyState::PendingImport, Some(id(1))));
    assert!(record.materials.iter().all(|material| material.sealed.is_none()));
    assert!(!remove(&arn(), &mut record, &id(1)), "removed twice");
    assert_eq!(code(import(&mut record, 2, &ImportTerms::default())), ErrorCode::IncorrectKeyMaterial);
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!((record.state, record.materials.len()), (KeyState::Enabled, 1));
}

#[test]
fn existing_material_must_exist_and_new_material_must_be_new() {
    let mut record = record();
    assert_eq!(code(import(&mut record, 1, &of_type(ImportType::Existing))), ErrorCode::IncorrectKeyMaterial);
    import(&mut record, 1, &of_type(ImportType::New)).unwrap();
    assert_eq!(code(import(&mut record, 1, &of_type(ImportType::New))), ErrorCode::IncorrectKeyMaterial);
    import(&mut record, 2, &of_type(ImportType::New)).unwrap();
    assert_eq!((record.current_material, record.pending_material), (Some(id(1)), Some(id(2))));
    let refused = import(&mut record, 3, &of_type(ImportType::New)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidState);
    let message = format!(
        "New key material (id: {}) cannot be imported into KMS key {}, because another key material (id: {}) is pending \
         rotation.",
        id(3),
        arn(),
        id(2)
    );
    assert_eq!(refused.message(), Some(message.as_str()));
}

#[test]
fn a_named_version_must_be_the_one() {
    let named = |number| ImportTerms { material_id: Some(id(number)), ..ImportTerms::default() };
    let mut record = record();
    assert_eq!(code(import(&mut record, 1, &named(1))), ErrorCode::IncorrectKeyMaterial);
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!(code(import(&mut record, 1, &named(2))), ErrorCode::IncorrectKeyMaterial);
    import(&mut record, 1, &named(1)).unwrap();
}

#[test]
fn every_missing_version_keeps_the_key_from_use() {
    let mut record = record();
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    import(&mut record, 2, &of_type(ImportType::New)).unwrap();
    let promoted = promote(&mut record).unwrap();
    assert_eq!(promoted.id, id(2));
    record.current_material = Some(promoted.id);
    record.materials.push(promoted);
    assert!(remove(&arn(), &mut record, &id(1)));
    assert_eq!(record.state, KeyState::PendingImport);
    assert!(remove(&arn(), &mut record, &id(2)));
    import(&mut record, 2, &ImportTerms::default()).unwrap();
    assert_eq!(record.state, KeyState::PendingImport);
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!(record.state, KeyState::Enabled);
}

#[test]
fn what_waits_for_rotation_is_forgotten_when_it_is_removed() {
    let mut record = record();
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    import(&mut record, 2, &of_type(ImportType::New)).unwrap();
    assert!(remove(&arn(), &mut record, &id(2)));
    assert_eq!((record.state, record.pending_material, record.materials.len()), (KeyState::Enabled, None, 1));
    assert!(promote(&mut record).is_none());
    assert_eq!(code(import(&mut record, 2, &of_type(ImportType::Existing))), ErrorCode::IncorrectKeyMaterial);
}

#[test]
fn other_states_outlast_an_import() {
    let mut record = record();
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    record.state = KeyState::Disabled;
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!(record.state, KeyState::Disabled);
    record.state = KeyState::PendingDeletion;
    assert!(remove(&arn(), &mut record, &id(1)));
    assert_eq!(record.state, KeyState::PendingDeletion);
}

#[test]
fn a_description_stays_until_another_is_given() {
    let described = |text: &str| ImportTerms { description: Some(text.into()), ..ImportTerms::default() };
    let description = |record: &KeyRecord| record.materials[0].imported.clone().unwrap().description;
    let mut record = record();
    import(&mut record, 1, &described("first")).unwrap();
    assert!(remove(&arn(), &mut record, &id(1)));
    import(&mut record, 1, &ImportTerms::default()).unwrap();
    assert_eq!(description(&record).as_deref(), Some("first"));
    import(&mut record, 1, &described("second")).unwrap();
    assert_eq!(description(&record).as_deref(), Some("second"));
}

#[test]
fn records_from_before_imports_still_read() {
    let text = format!(r#"{{"id":"{}","created":1000,"sealed":"AQI="}}"#, id(1));
    let material: Material = serde_json::from_str(&text).unwrap();
    assert_eq!(material.sealed.as_ref().unwrap().0, [1, 2]);
    assert_eq!(serde_json::to_string(&material).unwrap(), text);
}
