//! What the server does by itself, from time to time.
//!
//! Not here: what requests ask for. Invariant: a job that fails is tried again and its failure is logged; it never
//! leaves half a change.

mod anchor;
mod connections;
mod deletion;
mod expiry;
mod grants;
mod key_uses;
mod rotation;

use std::{sync::Arc, time::Duration};

use kanuki_store::{LimitError, StoreError};
use kanuki_types::KeyArn;
use tokio::{sync::watch, time::interval};

pub use anchor::{AnchorFile, AnchorStore};
pub use connections::settle_stores;
pub use deletion::delete_due_keys;
pub use expiry::remove_expired_material;
pub use grants::remove_orphaned_grants;
pub use key_uses::write_key_uses;
pub use rotation::rotate_due_keys;

use crate::{error::ApiError, pipeline::Pipeline};

/// Runs every job until `stopped`, and a last time the ones that leave things in order.
pub async fn run(pipeline: Arc<Pipeline>, anchors: Arc<AnchorStore>, mut stopped: watch::Receiver<bool>) {
    let connections = tokio::spawn(connections::run(Arc::clone(&pipeline), stopped.clone()));
    let mut ticks = interval(TICK);
    let mut tick = 0_u64;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => break,
        }
        tick += 1;
        keep_order(&pipeline, &anchors).await;
        let written =
            pipeline.doors().last_usage.write_if_due(pipeline.recorder().trail(), &pipeline.doors().keys).await;
        log_unwritten_uses(written);
        if tick.is_multiple_of(DUE_TICKS)
            && let Err(error) = do_what_is_due(&pipeline).await
        {
            tracing::error!(%error, "what is due could not be done");
        }
    }
    if let Err(error) = connections.await {
        tracing::error!(%error, "the job of custom key stores did not end in order");
    }
    let written = pipeline.doors().last_usage.write_all(pipeline.recorder().trail(), &pipeline.doors().keys).await;
    log_unwritten_uses(written);
    keep_order(&pipeline, &anchors).await;
}

fn log_unwritten_uses(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::error!(%error, "the last uses of keys could not be written");
    }
}

/// Does everything whose time has come.
///
/// # Errors
/// If store, keeper or trail fail; what is left is done the next time.
pub async fn do_what_is_due(pipeline: &Pipeline) -> Result<(), ApiError> {
    remove_expired_material(pipeline).await?;
    rotate_due_keys(pipeline).await?;
    delete_due_keys(pipeline).await?;
    remove_orphaned_grants(pipeline).await?;
    Ok(())
}

/// Tells the operator of a key that no transaction can hold: the copies of a multi-Region key change together, and with
/// the longest policies in a great many Regions they are too much for one. The key stays as it is, whoever comes after it
/// has its turn, and it is tried again the next time. Answers that nothing was done.
fn passed_over(key: &KeyArn, limit: &LimitError) -> bool {
    tracing::error!(%key, %limit, "a key has too much in all of its copies to be changed");
    false
}

/// Writes the last uses of access keys, empties the outbox and moves the anchor.
async fn keep_order(pipeline: &Pipeline, anchors: &AnchorStore) {
    if let Err(error) = write_key_uses(pipeline).await {
        tracing::error!(%error, "the last uses of access keys could not be written");
    }
    if let Err(error) = pipeline.recorder().clear_delivered().await {
        tracing::error!(%error, "the outbox could not be emptied");
    }
    if let Err(error) = anchors.advance(pipeline.recorder().trail()).await {
        tracing::error!(%error, "the trail's anchor could not be written");
    }
}

const TICK: Duration = Duration::from_secs(1);
/// How many ticks lie between two looks for what is due.
const DUE_TICKS: u64 = 5;
