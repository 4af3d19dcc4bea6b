//! Writes when access keys and roles were last used.

use kanuki_store::StoreError;

use crate::{error::ApiError, pipeline::Pipeline};

/// Writes every use that was noted.
///
/// # Errors
/// If the store fails; what is left is written the next time.
pub async fn write_key_uses(pipeline: &Pipeline) -> Result<(), ApiError> {
    let identity = &pipeline.doors().identity;
    while let Some((noted, change)) = identity.take_notes().await? {
        if !change.is_empty() {
            match pipeline.recorder().commit_housekeeping(change).await {
                Ok(()) => {}
                // A key or a role was changed or deleted, or another node wrote: the notes are looked at again the next time.
                Err(StoreError::Conflict) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        identity.drop_notes(&noted);
    }
    Ok(())
}
