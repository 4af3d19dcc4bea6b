//! Makes an answer's audit record durable: the only way to a client.
//!
//! Invariants: this file alone makes [`Recorded`], and the HTTP writer takes nothing else; every request has exactly one
//! record, durable before its answer leaves; a change and its record are committed together; if the trail cannot be
//! written, the answer is a failure.
//!
//! An answer with a record can be taken apart; one without a record does not compile:
//! ```
//! use kanuki_server::record::Recorded;
//! fn status(recorded: Recorded) -> u16 {
//!     recorded.into_parts().0
//! }
//! ```
//! ```compile_fail,E0451
//! use kanuki_server::record::Recorded;
//! fn unrecorded() -> Recorded {
//!     Recorded { status: 200, content_type: "", body: Vec::new().into(), request_id: String::new(),
//!         authorization: None }
//! }
//! ```

mod draft;
mod query_types;

use std::sync::{Arc, Mutex, PoisonError};

use kanuki_store::{Store, StoreError, Transaction};
use kanuki_trail::{EventId, Trail};
use kanuki_types::{Random, Timestamp};

pub(crate) use draft::{Draft, Origin};
pub use draft::{StoreEvent, store_event};

use draft::service_event;

use crate::{
    decisions::AuthorizationMessage,
    error::ApiError,
    last_usage::LastUsage,
    operation::ServiceEvent,
    wire::{self, Call, Rendered, SecretBody},
};

/// An answer whose audit record is durable.
#[derive(Debug)]
pub struct Recorded {
    status: u16,
    content_type: &'static str,
    body: SecretBody,
    request_id: String,
    authorization: Option<AuthorizationMessage>,
}

impl Recorded {
    /// The parts that the HTTP writer needs: status, content type, body, request id, and the encoded message of a denial,
    /// which services of this process may put into their own texts too ([`AuthorizationMessage::sentence`]).
    #[must_use]
    pub fn into_parts(self) -> (u16, &'static str, SecretBody, String, Option<AuthorizationMessage>) {
        (self.status, self.content_type, self.body, self.request_id, self.authorization)
    }
}

/// Commits changes with their records and appends records to the trail.
#[derive(Debug, Clone)]
pub struct Recorder {
    trail: Trail,
    store: Store,
    /// Events whose outbox entries are no longer needed, because the trail has them.
    delivered: Arc<Mutex<Vec<EventId>>>,
    last_usage: Arc<LastUsage>,
}

impl Recorder {
    /// Opens the recorder.
    #[must_use]
    pub fn new(trail: Trail, store: Store) -> Self {
        let last_usage = Arc::new(LastUsage::new(store.clone()));
        Self { trail, store, delivered: Arc::default(), last_usage }
    }

    /// The trail.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The last uses of keys, which are noted here as soon as their records are durable.
    #[must_use]
    pub fn last_usage(&self) -> &Arc<LastUsage> {
        &self.last_usage
    }

    /// Checks that records can be written, before anything is done that would need one.
    ///
    /// # Errors
    /// If the trail has failed.
    pub(crate) fn check_healthy(&self) -> Result<(), ApiError> {
        if self.trail.is_healthy() { Ok(()) } else { Err(ApiError::internal("the audit trail cannot be written")) }
    }

    /// Commits a change together with the record of its success.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if something the change was decided on has changed; or if the store fails.
    pub(crate) async fn commit(
        &self,
        mut change: Transaction,
        draft: &mut Draft,
        random: &dyn Random,
    ) -> Result<(), CommitError> {
        let record = draft.success_record().map_err(CommitError::Record)?;
        let events = draft.further_records(random).map_err(CommitError::Record)?;
        for (id, event) in &events {
            change.outbox(id.0, self.outbox_entry(event));
        }
        change.outbox(draft.event_id().0, self.outbox_entry(&record));
        self.store.commit(change).await.map_err(CommitError::Store)?;
        draft.set_committed(record);
        for (id, event) in events {
            // The event is safe in the outbox; if the trail fails now, the call's own record will fail too.
            if self.trail.append(id, event).await.is_ok() {
                self.note_delivered(id);
            }
        }
        Ok(())
    }

    /// Commits a change that the server makes by itself, with the events that tell of it, and appends those.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if something the change was decided on has changed; or if store or trail fail.
    pub(crate) async fn commit_service_events(
        &self,
        change: Transaction,
        events: &[ServiceEvent],
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), CommitError> {
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            let id = EventId::from_random(random.bytes());
            records.push((id, service_event(id, now, event).map_err(CommitError::Record)?));
        }
        self.commit_events(change, records).await
    }

    /// As [`Recorder::commit_service_events`], with the one record made already.
    ///
    /// # Errors
    /// As [`Recorder::commit_service_events`].
    pub async fn commit_service_event(
        &self,
        change: Transaction,
        event_id: EventId,
        record: Vec<u8>,
    ) -> Result<(), CommitError> {
        self.commit_events(change, vec![(event_id, record)]).await
    }

    async fn commit_events(
        &self,
        mut change: Transaction,
        records: Vec<(EventId, Vec<u8>)>,
    ) -> Result<(), CommitError> {
        self.check_healthy().map_err(CommitError::Record)?;
        for (id, record) in &records {
            change.outbox(id.0, self.outbox_entry(record));
        }
        self.store.commit(change).await.map_err(CommitError::Store)?;
        for (id, record) in records {
            self.trail.append(id, record).await.map_err(|error| CommitError::Record(ApiError::internal(error)))?;
            self.note_delivered(id);
        }
        Ok(())
    }

    /// Commits what changes nothing that anybody could see, such as a mark in a schedule that has lost its meaning.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn commit_housekeeping(&self, change: Transaction) -> Result<(), StoreError> {
        self.store.commit(change).await
    }

    /// Turns the result of a call into an answer whose record is durable.
    pub(crate) async fn conclude(&self, mut draft: Draft, call: &Call, result: Result<Rendered, ApiError>) -> Recorded {
        let request_id = draft.request_id().to_owned();
        let event_id = draft.event_id();
        let key_uses = draft.take_key_uses().filter(|_| result.is_ok());
        let authorization = result.as_ref().err().and_then(ApiError::authorization).cloned();
        let begun_use = key_uses.map(|uses| self.last_usage.begin(uses));
        let (rendered, record, in_outbox) = match (result, draft.committed()) {
            // The change is durable and its record says success, so success is the only true answer.
            (Ok(rendered), Some(record)) => (rendered, Ok(record.to_vec()), true),
            (Ok(rendered), None) => (rendered, draft.success_record(), false),
            (Err(error), committed) => {
                log_refusal(&request_id, call, &error);
                let record = draft.failure_record(&error, call.dialect);
                (wire::render_error(call, &error, &request_id), record, committed.is_some())
            }
        };
        let appended = match record {
            Ok(record) => self.trail.append(event_id, record).await.map_err(ApiError::internal),
            Err(error) => Err(error),
        };
        let (rendered, authorization) = match appended {
            Ok(position) => {
                if let Some(begun_use) = begun_use {
                    begun_use.note(position, draft.time(), event_id, &request_id);
                }
                if in_outbox {
                    self.note_delivered(event_id);
                }
                (rendered, authorization)
            }
            Err(error) => {
                log_refusal(&request_id, call, &error);
                (wire::render_error(call, &error, &request_id), None)
            }
        };
        let Rendered { status, content_type, body } = rendered;
        Recorded { status, content_type, body, request_id, authorization }
    }

    /// Appends what a crash kept from the trail, then empties the outbox. Answers how many records were missing.
    ///
    /// # Errors
    /// If the store or the trail fails.
    pub async fn replay(&self) -> Result<usize, ReplayError> {
        let mut appended = 0;
        loop {
            let entries = self.store.outbox_entries(REPLAY_BATCH).await.map_err(ReplayError::Store)?;
            if entries.is_empty() {
                return Ok(appended);
            }
            let mut missing = Vec::with_capacity(entries.len());
            for (id, entry) in entries {
                let (floor, record) = entry.split_first_chunk().ok_or(ReplayError::Entry)?;
                missing.push((EventId(id), u64::from_be_bytes(*floor), record.to_vec()));
            }
            let from = missing.iter().map(|(_, floor, _)| *floor).min().unwrap_or_default();
            let ids: Vec<EventId> = missing.iter().map(|(id, ..)| *id).collect();
            let present = self.trail.contains_since(from, &ids).map_err(ReplayError::Read)?;
            for (id, _, record) in missing {
                if !present.contains(&id) {
                    self.trail.append(id, record).await.map_err(ReplayError::Append)?;
                    appended += 1;
                }
            }
            let ids = ids.into_iter().map(|id| id.0).collect();
            self.store.outbox_clear(ids).await.map_err(ReplayError::Store)?;
        }
    }

    /// Removes outbox entries whose records the trail has.
    ///
    /// # Errors
    /// If the store fails; the entries are tried again the next time.
    pub async fn clear_delivered(&self) -> Result<(), StoreError> {
        let ids: Vec<EventId> = std::mem::take(&mut *self.delivered.lock().unwrap_or_else(PoisonError::into_inner));
        for batch in ids.chunks(REPLAY_BATCH) {
            let cleared = self.store.outbox_clear(batch.iter().map(|id| id.0).collect()).await;
            if let Err(error) = cleared {
                self.delivered.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&ids);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A record as it stands in the outbox: behind the trail's last position before it can have been appended, so that a
    /// replay need not read the whole trail.
    fn outbox_entry(&self, record: &[u8]) -> Vec<u8> {
        let floor = self.trail.head().map_or(0, |head| head.sequence);
        [floor.to_be_bytes().as_slice(), record].concat()
    }

    /// Notes that the trail has a record, so that its entry may leave the outbox. Called after its append succeeded.
    fn note_delivered(&self, event_id: EventId) {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).push(event_id);
    }
}

/// Why a change was not committed.
#[derive(Debug)]
pub enum CommitError {
    /// Its record could not be made or written.
    Record(ApiError),
    /// The store refused.
    Store(StoreError),
}

/// Why the outbox could not be emptied at start.
#[derive(Debug)]
pub enum ReplayError {
    /// The trail cannot be written.
    Append(kanuki_trail::AppendError),
    /// An outbox entry is not one.
    Entry,
    /// The trail cannot be read.
    Read(kanuki_trail::ReadError),
    /// The store fails.
    Store(StoreError),
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Append(error) => write!(f, "records of the last run cannot be appended to the trail: {error}"),
            Self::Entry => f.write_str("the outbox holds something that is no record"),
            Self::Read(error) => write!(f, "the trail cannot be read: {error}"),
            Self::Store(error) => write!(f, "the outbox cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReplayError {}

/// Tells the operator about failures of this server; refusals of the client are in the trail.
fn log_refusal(request_id: &str, call: &Call, error: &ApiError) {
    if let Some(cause) = error.cause() {
        tracing::error!(request_id, service = call.service.name(), operation = call.operation, %cause, "call failed");
    }
}

/// Most outbox entries handled at once.
const REPLAY_BATCH: usize = 500;
