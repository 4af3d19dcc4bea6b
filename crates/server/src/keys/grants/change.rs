//! Making and ending grants: the changes of all their records, handed back to be committed.
//!
//! Not here: who may. Invariants: the records of a grant are made and removed together; a key never has more grants
//! than its limit.

use kanuki_store::{KeyBytes as _, Keyspace, StoreError, Transaction};
use kanuki_types::KeyArn;
use serde::Serialize as _;
use sha2::{Digest as _, Sha256};

use super::{
    entry::GrantEntry,
    record::{
        GrantCounts, GrantId, GrantNames, GrantRecord, GrantSweeps, Grants, GrantsByGrantee, GrantsByRetiring,
        grant_key, grantee_key, retiring_key,
    },
};
use crate::{
    authz::Proof,
    error::{ApiError, ErrorCode},
    keys::{KeyEntry, Keys, counters::Counters, key_key},
};

impl Keys {
    /// The grant of the same name that was asked for with the same parameters, if there is one.
    ///
    /// # Errors
    /// If the store fails or refuses the record.
    pub async fn grant_like(&self, arn: &KeyArn, record: &GrantRecord) -> Result<Option<GrantId>, ApiError> {
        let Some(digest) = name_digest(record)? else { return Ok(None) };
        let found = self.store.get::<GrantNames>(&(arn.account, arn.region.clone(), arn.key_id, digest)).await?;
        Ok(found.map(|found| found.value))
    }

    /// The change that makes a grant. It is refused if the key changes meanwhile, so that no grant is made on a key that
    /// was switched off.
    ///
    /// # Errors
    /// `LimitExceededException` if the key has `limit` grants; or if the store fails.
    pub async fn add_grant(
        &self,
        proof: &Proof,
        key: &KeyEntry,
        (id, record): (GrantId, &GrantRecord),
        limit: u64,
    ) -> Result<Transaction, ApiError> {
        let arn = key.arn();
        proof.covers(arn)?;
        let mut change = Transaction::default();
        key.expect_unchanged(&mut change);
        change.create::<Grants>(&grant_key(arn, id), record);
        change.create::<GrantsByGrantee>(&grantee_key(arn, record.grantee.place(), id), record);
        if let Some(retiring) = &record.retiring {
            change.create::<GrantsByRetiring>(&retiring_key(arn, retiring.place(), id), &());
        }
        if let Some(digest) = name_digest(record)? {
            change.create::<GrantNames>(&(arn.account, arn.region.clone(), arn.key_id, digest), &id);
        }
        self.count_one_more(arn, id, limit, &mut change).await?;
        Ok(change)
    }

    /// The change that ends a grant. It is refused if someone else ends it meanwhile.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remove_grant(&self, proof: &Proof, grant: &GrantEntry) -> Result<Transaction, ApiError> {
        let arn = grant.arn();
        proof.covers(arn)?;
        let mut change = Transaction::default();
        self.remove_records(arn, grant.id(), grant.record(), &mut change).await?;
        let place = |shard| count_key(arn, shard);
        counters(self, arn, &place).one_less(shard_of(grant.id()), &mut change).await?;
        Ok(change)
    }

    /// Marks a key that is being deleted, if it has grants: none of them gives anything from then on, as there is no
    /// key, and their records are removed in steps.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn mark_grants_for_removal(&self, arn: &KeyArn, change: &mut Transaction) -> Result<(), StoreError> {
        if !self.store.scan::<Grants>(&key_key(arn).to_key(), None, 1).await?.is_empty() {
            change.create::<GrantSweeps>(&key_key(arn), &());
        }
        Ok(())
    }

    /// The change that removes some grants of a deleted key, and with the last ones the mark; none if no key is marked.
    /// It fits into one transaction, and a crash between two of them loses nothing: the mark stays.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn removal_of_orphans(&self) -> Result<Option<Transaction>, ApiError> {
        let Some((marked, mark)) = self.store.scan::<GrantSweeps>(&[], None, 1).await?.pop() else { return Ok(None) };
        let (account, region, key_id) = marked.clone();
        let arn = KeyArn { account, region, key_id };
        let mut change = Transaction::default();
        let grants = self.store.scan::<Grants>(&marked.to_key(), None, ORPHANS_AT_ONCE).await?;
        for ((.., id), record) in &grants {
            self.remove_records(&arn, *id, &record.value, &mut change).await?;
        }
        if grants.len() < ORPHANS_AT_ONCE {
            let place = |shard| count_key(&arn, shard);
            counters(self, &arn, &place).remove(&mut change).await?;
            change.delete::<GrantSweeps>(&marked, mark.version);
        }
        Ok(Some(change))
    }

    /// Removes the records of a grant, but for its place in the count.
    async fn remove_records(
        &self,
        arn: &KeyArn,
        id: GrantId,
        record: &GrantRecord,
        change: &mut Transaction,
    ) -> Result<(), ApiError> {
        self.remove::<Grants>(grant_key(arn, id), change).await?;
        self.remove::<GrantsByGrantee>(grantee_key(arn, record.grantee.place(), id), change).await?;
        if let Some(retiring) = &record.retiring {
            self.remove::<GrantsByRetiring>(retiring_key(arn, retiring.place(), id), change).await?;
        }
        if let Some(digest) = name_digest(record)? {
            self.remove::<GrantNames>((arn.account, arn.region.clone(), arn.key_id, digest), change).await?;
        }
        Ok(())
    }

    async fn remove<K: Keyspace>(&self, key: K::Key, change: &mut Transaction) -> Result<(), StoreError> {
        if let Some(found) = self.store.get::<K>(&key).await? {
            change.delete::<K>(&key, found.version);
        }
        Ok(())
    }

    /// Counts a new grant.
    async fn count_one_more(
        &self,
        arn: &KeyArn,
        id: GrantId,
        limit: u64,
        change: &mut Transaction,
    ) -> Result<(), ApiError> {
        let place = |shard| count_key(arn, shard);
        if counters(self, arn, &place).one_more(shard_of(id), limit, change).await? {
            return Ok(());
        }
        let message = format!("{arn} has reached the limit of {limit} grants.");
        Err(ApiError::new(ErrorCode::LimitExceeded, message))
    }
}

type Place<'a> = dyn Fn(u8) -> <GrantCounts as Keyspace>::Key + Sync + 'a;

fn counters<'a>(keys: &'a Keys, arn: &KeyArn, place: &'a Place<'a>) -> Counters<'a, GrantCounts> {
    Counters::new(&keys.store, key_key(arn).to_key(), place)
}

fn shard_of(id: GrantId) -> u8 {
    let [first, ..] = id.as_bytes();
    *first
}

fn count_key(arn: &KeyArn, shard: u8) -> <GrantCounts as Keyspace>::Key {
    (arn.account, arn.region.clone(), arn.key_id, [shard])
}

/// The digest of everything that a grant with a name was asked for with; none for a grant without a name. The order of
/// operations does not count. A principal that was made again under an old name is another principal.
fn name_digest(record: &GrantRecord) -> Result<Option<[u8; 32]>, ApiError> {
    let GrantRecord { name: Some(name), grantee, retiring, issuing_account, terms, created: _ } = record else {
        return Ok(None);
    };
    let mut operations = terms.operations.clone();
    operations.sort_unstable();
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    // JSON keeps the parts apart, and its maps here are sorted by key.
    (name, grantee, retiring, issuing_account, operations, &terms.constraints)
        .serialize(&mut serializer)
        .map_err(ApiError::internal)?;
    Ok(Some(Sha256::digest(&text).into()))
}

/// How many grants of a deleted key are removed at once: four records each, and the counters and the mark with the last,
/// fit into one transaction.
const ORPHANS_AT_ONCE: usize = 25;

#[cfg(test)]
mod tests {
    use kanuki_store::TRANSACTION_WRITES_MAX;
    use kanuki_types::{Timestamp, UniqueId};

    use super::*;
    use crate::keys::counters::COUNTERS;
    use crate::keys::grants::{GrantConstraints, GrantOperation, GrantPrincipal, GrantTerms};

    fn record(name: Option<&str>, id: &str, operations: &[GrantOperation]) -> GrantRecord {
        let arn = "arn:aws:iam::111122223333:user/Bob".to_owned();
        GrantRecord {
            created: Timestamp::from_millis(0),
            name: name.map(Into::into),
            grantee: GrantPrincipal::Entity { arn, id: UniqueId::new(id), session: None },
            retiring: None,
            issuing_account: "111122223333".parse().unwrap(),
            terms: GrantTerms { operations: operations.to_vec(), constraints: GrantConstraints::default() },
        }
    }

    #[test]
    fn a_digest_tells_parameters_apart_and_not_their_order() {
        use GrantOperation::{Decrypt, Encrypt};
        let digest = |record: &GrantRecord| name_digest(record).unwrap();
        let one = record(Some("n"), "AIDA1", &[Decrypt, Encrypt]);
        let later = GrantRecord { created: Timestamp::from_millis(5), ..one.clone() };
        assert_eq!(digest(&one), digest(&later));
        assert_eq!(digest(&one), digest(&record(Some("n"), "AIDA1", &[Encrypt, Decrypt])));
        assert_ne!(digest(&one), digest(&record(Some("m"), "AIDA1", &[Decrypt, Encrypt])));
        assert_ne!(digest(&one), digest(&record(Some("n"), "AIDA2", &[Decrypt, Encrypt])));
        assert_ne!(digest(&one), digest(&record(Some("n"), "AIDA1", &[Decrypt])));
        assert_eq!(digest(&record(None, "AIDA1", &[Decrypt])), None);
    }

    #[test]
    fn the_orphans_of_one_step_fit_into_a_transaction() {
        const RECORDS_OF_A_GRANT: usize = 4;
        const MARK: usize = 1;
        assert!(ORPHANS_AT_ONCE * RECORDS_OF_A_GRANT + usize::from(COUNTERS) + MARK <= TRANSACTION_WRITES_MAX);
    }
}
