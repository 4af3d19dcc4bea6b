//! Finishes what ConnectCustomKeyStore and DisconnectCustomKeyStore began.
//!
//! Rule: both return before they are done (API reference). Invariants: the mark of a store is removed together with the
//! change that settles it, so that a crash loses neither; what the server finds is recorded as an event of its own.

use std::{sync::Arc, time::Duration};

use kanuki_store::{StoreError, Transaction};
use kanuki_trail::EventId;
use kanuki_types::ConnectionState;
use serde_json::json;
use tokio::{sync::watch, task::JoinSet, time::interval};

use crate::{
    custom_key_stores::{StoreEntry, StoreRecord, UnsettledKey},
    error::ApiError,
    pipeline::Pipeline,
    record::{CommitError, StoreEvent, store_event},
};

/// Settles stores until `stopped`, apart from the other jobs: what stands behind a store may be slow.
pub(super) async fn run(pipeline: Arc<Pipeline>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => break,
        }
        if let Err(error) = settle_stores(&pipeline).await {
            tracing::error!(%error, "custom key stores could not be connected or disconnected");
        }
        for key in pipeline.doors().custom_key_stores.take_lost() {
            if let Err(error) = connect_again(&pipeline, &key).await {
                tracing::error!(%error, "a custom key store that was lost could not be marked as failed");
            }
        }
    }
}

/// Settles every store that is being connected or disconnected, all at once; answers how many.
///
/// # Errors
/// If store, keeper or trail fail; what is left is done the next time.
pub async fn settle_stores(pipeline: &Arc<Pipeline>) -> Result<usize, ApiError> {
    let marks = pipeline.doors().custom_key_stores.unsettled(BATCH).await?;
    let mut tasks = JoinSet::new();
    let count = marks.len();
    for (key, _) in marks {
        let pipeline = Arc::clone(pipeline);
        tasks.spawn(async move { settle(&pipeline, key).await });
    }
    let mut result = Ok(count);
    while let Some(done) = tasks.join_next().await {
        let done = done.map_err(ApiError::internal).and_then(|settled| settled);
        result = result.and_then(|count| done.map(|()| count));
    }
    result
}

async fn settle(pipeline: &Pipeline, key: UnsettledKey) -> Result<(), ApiError> {
    let doors = pipeline.doors();
    let (account, region, id) = &key;
    for _ in 0..ATTEMPTS_MAX {
        // Another look may have settled it meanwhile.
        let Some(mark) = doors.custom_key_stores.unsettled_mark(&key).await? else { return Ok(()) };
        let stores = doors.custom_key_stores.of(*account, region).await?;
        let mut change = Transaction::default();
        change.delete::<crate::custom_key_stores::UnsettledStores>(&key, mark.version);
        let event_id = EventId::from_random(doors.random.bytes());
        let committed = match stores.find(id) {
            Some(store) => {
                let settled = settled(pipeline, store, event_id).await;
                let record = store_event(event_id, doors.clock.now(), &event(store, &settled))?;
                stores.write_one(&mut change, settled);
                pipeline.recorder().commit_service_event(change, event_id, record).await
            }
            None => pipeline.recorder().commit_housekeeping(change).await.map_err(CommitError::Store),
        };
        match committed {
            Ok(()) => return Ok(()),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

/// Connects a store again that was lost while it was in use; one that cannot be is FAILED from now on.
async fn connect_again(pipeline: &Pipeline, key: &UnsettledKey) -> Result<(), ApiError> {
    let doors = pipeline.doors();
    let (account, region, id) = key;
    for _ in 0..ATTEMPTS_MAX {
        let stores = doors.custom_key_stores.of(*account, region).await?;
        let Some(store) = stores.find(id).filter(|store| store.is_connected()) else { return Ok(()) };
        let event_id = EventId::from_random(doors.random.bytes());
        let Err(code) = doors.custom_key_stores.connect_again(store).await else { return Ok(()) };
        let failed = StoreRecord { state: ConnectionState::Failed, error: Some(code), ..store.record().clone() };
        let record = store_event(event_id, doors.clock.now(), &event(store, &failed))?;
        let mut change = Transaction::default();
        stores.write_one(&mut change, failed);
        match pipeline.recorder().commit_service_event(change, event_id, record).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Store(StoreError::Conflict)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(CommitError::Record(error)) => return Err(error),
        }
    }
    Err(ApiError::internal("the same records were changed by others too often"))
}

/// The store's record once it is settled.
async fn settled(pipeline: &Pipeline, store: &StoreEntry, event_id: EventId) -> StoreRecord {
    let stores = &pipeline.doors().custom_key_stores;
    let record = store.record().clone();
    match record.state {
        ConnectionState::Connecting => match stores.connect(store, &event_id.to_string()).await {
            Ok(()) => StoreRecord { state: ConnectionState::Connected, error: None, ..record },
            Err(code) => StoreRecord { state: ConnectionState::Failed, error: Some(code), ..record },
        },
        ConnectionState::Disconnecting => {
            stores.disconnect(store);
            StoreRecord { state: ConnectionState::Disconnected, error: None, ..record }
        }
        _ => record,
    }
}

fn event(store: &StoreEntry, settled: &StoreRecord) -> StoreEvent {
    let name = match store.record().state {
        ConnectionState::Disconnecting => "DisconnectCustomKeyStore",
        _ => "ConnectCustomKeyStore",
    };
    let mut details = json!({ "customKeyStoreId": settled.id, "connectionState": settled.state });
    if let (Some(members), Some(code)) = (details.as_object_mut(), settled.error) {
        members.insert("connectionErrorCode".into(), code.as_str().into());
    }
    StoreEvent { name, account: store.account(), region: store.region().clone(), details }
}

const TICK: Duration = Duration::from_millis(250);
/// Most stores settled at once.
const BATCH: usize = 32;
const ATTEMPTS_MAX: usize = 20;
