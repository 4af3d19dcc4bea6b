//! The outbox: audit records that ride in the transaction of the change they tell of.
//!
//! Not the trail: records leave as soon as the trail holds them. Not a queue: the order is that of the ids.
//! Invariants: a change that is durable has its record here or in the trail; an outbox record never changes.

use std::sync::Arc;

use crate::{
    Expect, RawChange, RawWrite, SCAN_LIMIT_MAX, Store, StoreError, TRANSACTION_WRITES_MAX, Transaction,
    keyspace::OUTBOX_ID,
    store::EncodingError,
    transaction::{Action, Member},
};

/// The id of an audit record: never used twice.
pub type EventId = [u8; 16];

impl Transaction {
    /// Adds an audit record to the transaction. An id that is already there makes the commit a conflict.
    pub fn outbox(&mut self, event_id: EventId, record: Vec<u8>) {
        let action = Action::Change(RawChange::Put { version: OUTBOX_VERSION, value: record });
        self.push(Member { keyspace: OUTBOX_ID, key: event_id.into(), expect: Expect::Absent, action });
    }
}

impl Store {
    /// Up to `limit` (at most [`SCAN_LIMIT_MAX`]) audit records that wait for the trail, in the order of their ids.
    ///
    /// # Errors
    /// As [`Store::scan`].
    pub async fn outbox_entries(&self, limit: usize) -> Result<Vec<(EventId, Vec<u8>)>, StoreError> {
        let records = self.scan_plain(OUTBOX_ID, OUTBOX_NAME, &[], None, limit.min(SCAN_LIMIT_MAX)).await?;
        let entry = |(key, record): (Vec<u8>, _)| match EventId::try_from(key.as_slice()) {
            Ok(event_id) => Ok((event_id, record)),
            Err(error) => Err(StoreError::Encoding(EncodingError::new(OUTBOX_NAME, &key, Arc::new(error)))),
        };
        records.into_iter().map(|(key, record)| entry((key, record.value))).collect()
    }

    /// Removes audit records that the trail holds. Ids that are not there are passed over, so it can be repeated.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; records may then be removed in part.
    pub async fn outbox_clear(&self, event_ids: Vec<EventId>) -> Result<(), StoreError> {
        let discard = |event_id: &EventId| RawWrite {
            keyspace: OUTBOX_ID,
            key: event_id.to_vec(),
            expect: Expect::Any,
            change: RawChange::Discard,
        };
        let mut event_ids = event_ids;
        event_ids.sort_unstable();
        event_ids.dedup();
        for chunk in event_ids.chunks(TRANSACTION_WRITES_MAX) {
            self.engine().commit(chunk.iter().map(discard).collect()).await?;
        }
        Ok(())
    }
}

/// Outbox records are written once and their ids never return, so one version is enough.
const OUTBOX_VERSION: u64 = 1;
pub(crate) const OUTBOX_NAME: &str = "outbox";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fixture, Notes, note};

    fn id(number: u8) -> EventId {
        [number; 16]
    }

    #[tokio::test]
    async fn a_record_rides_with_its_change() {
        let fixture = Fixture::new().await;
        let mut transaction = Transaction::default();
        transaction.create::<Notes>(&"a".to_owned(), &note(""));
        transaction.outbox(id(2), b"made a".to_vec());
        transaction.outbox(id(1), b"and more".to_vec());
        fixture.store.commit(transaction).await.unwrap();
        let mut refused = Transaction::default();
        refused.create::<Notes>(&"a".to_owned(), &note(""));
        refused.outbox(id(3), b"made a again".to_vec());
        assert!(matches!(fixture.store.commit(refused).await, Err(StoreError::Conflict)));
        let fixture = fixture.reopen().await;
        let entries = fixture.store.outbox_entries(10).await.unwrap();
        assert_eq!(entries, [(id(1), b"and more".to_vec()), (id(2), b"made a".to_vec())]);
        assert_eq!(fixture.store.outbox_entries(1).await.unwrap().len(), 1);
        assert_eq!(fixture.store.outbox_entries(usize::MAX).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn ids_are_used_once() {
        let fixture = Fixture::new().await;
        for expected in [true, false] {
            let mut transaction = Transaction::default();
            transaction.outbox(id(1), Vec::new());
            assert_eq!(fixture.store.commit(transaction).await.is_ok(), expected);
        }
    }

    #[tokio::test]
    async fn clears_in_any_number_and_again() {
        let fixture = Fixture::new().await;
        let ids: Vec<EventId> = (0..=255).map(id).collect();
        for some in ids.chunks(TRANSACTION_WRITES_MAX) {
            let mut transaction = Transaction::default();
            some.iter().for_each(|id| transaction.outbox(*id, id.to_vec()));
            fixture.store.commit(transaction).await.unwrap();
        }
        let cleared = ids.iter().chain(&ids).filter(|id| id[0] != 200).copied().collect::<Vec<_>>();
        fixture.store.outbox_clear(cleared.clone()).await.unwrap();
        fixture.store.outbox_clear(cleared).await.unwrap();
        assert_eq!(fixture.store.outbox_entries(300).await.unwrap(), [(id(200), id(200).to_vec())]);
    }

    #[tokio::test]
    async fn an_edited_record_is_refused() {
        let fixture = Fixture::new().await;
        let mut transaction = Transaction::default();
        transaction.outbox(id(1), b"record".to_vec());
        fixture.store.commit(transaction).await.unwrap();
        fixture.edit("update records set value = cast(value || x'00' as blob) where keyspace = 255");
        let error = fixture.store.outbox_entries(10).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { keyspace: "outbox", .. }), "{error:?}");
    }
}
