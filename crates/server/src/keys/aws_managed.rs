//! AWS managed keys: the key of an account and Region under which a service protects data when no other key is named.
//!
//! Not here: who may use one; its policy says it, and nobody can change that policy. Invariants: an account and Region
//! has at most one key for each predefined alias, which is made together with its alias and its yearly rotation; a key
//! that is not made yet has a policy already, by which the first use of it is decided, and nothing to encrypt with.
//!
//! Rule: "AWS managed keys" of the AWS KMS developer guide.

mod services;

use std::collections::{BTreeMap, BTreeSet};

use kanuki_keeper_protocol::NewMaterial;
use kanuki_store::{KeyBytes as _, Transaction};
use kanuki_types::{
    AccountId, AliasArn, AliasName, Arn, KeyArn, KeyId, KeyManager, KeySpec, KeyState, KeyUsage, Origin, PARTITION,
    Region, Timestamp,
};
use serde_json::json;

use super::{
    AliasRecord, Aliases, KeyEntry, KeyRecord, KeyRecords, Material, PageRequest, ROTATION_PERIOD_DAYS_DEFAULT,
    RotationSchedule, Rotations, StoredPolicy, alias_key, key_key, mark,
};
use crate::{error::ApiError, operation::ServiceEvent};
use services::{ManagedService, SERVICES};

/// A predefined alias of an account and Region, whether its key is made or not.
#[derive(Debug, Clone)]
pub struct Predefined {
    alias: AliasArn,
    service: &'static ManagedService,
}

impl Predefined {
    /// The predefined alias that an identifier names: by its name, or by its ARN in that account and Region.
    #[must_use]
    pub fn named(account: AccountId, region: &Region, identifier: &str) -> Option<Self> {
        let alias = match identifier.parse::<AliasName>() {
            Ok(name) => AliasArn { account, region: region.clone(), name },
            Err(_) => {
                let arn: Arn = identifier.parse().ok()?;
                let here = arn.partition == PARTITION && arn.service == "kms";
                AliasArn::from_arn(&arn).filter(|alias| here && alias.account == account && alias.region == *region)?
            }
        };
        let service = ManagedService::of(&alias.name)?;
        Some(Self { alias, service })
    }

    /// The key as it will be when it is made under that id.
    ///
    /// # Errors
    /// If its policy does not parse, which is a defect.
    pub fn unmade_key(&self, key_id: KeyId, now: Timestamp) -> Result<KeyEntry, ApiError> {
        let AliasArn { account, region, name } = &self.alias;
        let arn = KeyArn { account: *account, region: region.clone(), key_id };
        let record = KeyRecord {
            created: now,
            description: self.service.description(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            manager: KeyManager::Aws,
            state: KeyState::Enabled,
            deletion_date: None,
            pending_window_days: None,
            policy: StoredPolicy { text: self.service.policy(*account, region), principal_ids: BTreeMap::new() },
            tags: BTreeMap::new(),
            aliases: BTreeSet::from([name.clone()]),
            materials: Vec::new(),
            current_material: None,
            pending_material: None,
            rotation: Some(RotationSchedule::starting(now, ROTATION_PERIOD_DAYS_DEFAULT)),
            on_demand_rotations: 0,
            outside: None,
            multi_region: None,
        };
        KeyEntry::unmade(arn, record, self.alias.to_string()).map_err(|malformed| ApiError::internal(malformed.message))
    }

    /// The alias.
    #[must_use]
    pub fn alias(&self) -> &AliasArn {
        &self.alias
    }
}

/// The change that makes a key, and the event that tells of it. It conflicts if the alias has a key by then.
#[must_use]
pub fn make(unmade: &KeyEntry, new: NewMaterial) -> (Transaction, ServiceEvent) {
    let (arn, created) = (unmade.arn(), unmade.record().created);
    let mut record = unmade.record().clone();
    record.current_material = Some(new.id);
    record.materials = vec![Material::first(new, created)];
    let mut change = Transaction::default();
    change.create::<KeyRecords>(&key_key(arn), &record);
    if let Some(schedule) = record.rotation {
        change.create::<Rotations>(&mark(unmade, schedule.next), &());
    }
    for name in &record.aliases {
        let alias = AliasArn { account: arn.account, region: arn.region.clone(), name: name.clone() };
        let stands_for = AliasRecord { target: arn.key_id, created, updated: created };
        change.create::<Aliases>(&alias_key(&alias), &stands_for);
    }
    let details = json!({ "keyId": arn.key_id, "aliases": record.aliases });
    (change, ServiceEvent::event("CreateKey", arn.clone(), details))
}

/// Adds to a page's aliases the predefined ones of the account and Region that have no key yet. `found` are the stored
/// ones behind the page's start, in order, one more than the limit if there are as many.
#[must_use]
pub(super) fn with_predefined(
    account: AccountId,
    region: &Region,
    page: &PageRequest,
    found: Vec<(AliasArn, Option<AliasRecord>)>,
) -> Vec<(AliasArn, Option<AliasRecord>)> {
    let place = |alias: &AliasArn| alias_key(alias).to_key();
    let mut all: BTreeMap<Vec<u8>, (AliasArn, Option<AliasRecord>)> = SERVICES
        .iter()
        .filter_map(ManagedService::alias_name)
        .map(|name| AliasArn { account, region: region.clone(), name })
        .map(|alias| (place(&alias), (alias, None)))
        .filter(|(place, _)| page.after.as_ref().is_none_or(|after| place > after))
        .collect();
    // A stored alias takes the place of the predefined one of its name.
    all.extend(found.into_iter().map(|(alias, record)| (place(&alias), (alias, record))));
    all.into_values().take(page.limit + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> (AccountId, Region) {
        ("111122223333".parse().unwrap(), "us-west-2".parse().unwrap())
    }

    #[test]
    fn predefined_aliases_are_known_by_name_and_by_their_own_arn() {
        let (account, region) = here();
        let named = |text: &str| Predefined::named(account, &region, text).is_some();
        assert!(named("alias/aws/s3") && named("arn:aws:kms:us-west-2:111122223333:alias/aws/s3"));
        for other in [
            "alias/aws/nothing",
            "alias/s3",
            "aws/s3",
            "s3",
            "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
            "arn:aws:kms:us-west-2:444455556666:alias/aws/s3",
            "arn:aws:ssm:us-west-2:111122223333:alias/aws/s3",
        ] {
            assert!(!named(other), "{other}");
        }
    }

    #[test]
    fn every_predefined_alias_has_a_policy_that_parses() {
        let (account, region) = here();
        for service in SERVICES {
            let name = service.alias_name().expect("an alias name");
            let predefined = Predefined::named(account, &region, name.as_str()).unwrap();
            let key = predefined.unmade_key(KeyId::single_region([7; 16]), Timestamp::from_millis(0)).unwrap();
            assert!(key.is_unmade() && key.current_material().is_none());
            assert_eq!(key.named(), predefined.alias().to_string());
        }
    }

    #[test]
    fn pages_of_aliases_miss_none_and_repeat_none() {
        let (account, region) = here();
        let stored = |name: &str| {
            let alias = AliasArn { account, region: region.clone(), name: name.parse().unwrap() };
            let record = AliasRecord {
                target: KeyId::single_region([1; 16]),
                created: Timestamp::from_millis(0),
                updated: Timestamp::from_millis(0),
            };
            (alias, Some(record))
        };
        let all = [stored("alias/a"), stored("alias/aws/s3"), stored("alias/z")];
        let mut seen = Vec::new();
        let mut page = PageRequest::first("L", 3);
        loop {
            let behind = all
                .iter()
                .filter(|(alias, _)| page.after.as_ref().is_none_or(|after| alias_key(alias).to_key() > *after));
            let found = behind.take(page.limit + 1).cloned().collect();
            let mut items = with_predefined(account, &region, &page, found);
            let more = items.len() > page.limit;
            items.truncate(page.limit);
            page.after = items.last().map(|(alias, _)| alias_key(alias).to_key());
            seen.extend(items);
            if !more {
                break;
            }
        }
        let names: Vec<&str> = seen.iter().map(|(alias, _)| alias.name.as_str()).collect();
        assert!(names.is_sorted() && names.len() == SERVICES.len() + 2, "{names:?}");
        let s3 = seen.iter().find(|(alias, _)| alias.name.as_str() == "alias/aws/s3").unwrap();
        assert!(s3.1.is_some());
    }
}
