//! Makes an AWS managed key when its first use has been allowed.
//!
//! Not here: whether it is allowed; authorization decides on the policy that the key will have. Invariants: a key, its
//! alias, its schedule and its event are committed together; of calls that race to make one, one does, and all go on
//! with the key that it made.

use std::sync::Arc;

use kanuki_store::StoreError;

use super::Pipeline;
use crate::{
    error::ApiError,
    keys::{KeyEntry, make},
    record::CommitError,
};

impl Pipeline {
    /// Makes the keys, unless they are made already by then.
    pub(super) async fn make_managed_keys(&self, unmade: &[Arc<KeyEntry>]) -> Result<(), ApiError> {
        for key in unmade {
            let new = self.doors.keys.create_material(key.arn(), key.record().spec).await?;
            let (change, event) = make(key, new);
            let (created, random) = (key.record().created, &*self.doors.random);
            match self.recorder.commit_service_events(change, &[event], created, random).await {
                // Somebody else has made it: planned again, the call finds that one.
                Ok(()) | Err(CommitError::Store(StoreError::Conflict)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Record(error)) => return Err(error),
            }
        }
        Ok(())
    }
}
