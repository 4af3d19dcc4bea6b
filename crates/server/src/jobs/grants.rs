//! Removes the grants of deleted keys from the store.
//!
//! A deleted key takes its grants with it at once: without the key none of them gives anything and none is listed. What
//! is left are records, possibly more than fit into one transaction, so they go in steps, by the mark that the deletion
//! leaves. The event of the deletion tells of all this; the steps change nothing that anybody could see.

use kanuki_store::StoreError;

use crate::{error::ApiError, pipeline::Pipeline};

/// Removes every grant of every deleted key.
///
/// # Errors
/// If the store fails; what is left is removed the next time.
pub async fn remove_orphaned_grants(pipeline: &Pipeline) -> Result<(), ApiError> {
    while let Some(step) = pipeline.doors().keys.removal_of_orphans().await? {
        match pipeline.recorder().commit_housekeeping(step).await {
            // Another node was faster.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
