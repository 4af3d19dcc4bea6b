//! Lets the store ask the keeper to seal and open its records.

use std::sync::Arc;

use kanuki_keeper_protocol::Client;
use kanuki_store::{BoxFuture, SealError, Sealer};

/// The keeper as the store's sealer.
#[derive(Debug)]
pub(crate) struct KeeperSealer(pub(crate) Client);

impl Sealer for KeeperSealer {
    fn seal(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Vec<u8>>, SealError>> {
        Box::pin(
            async move { self.0.seal_records(records).await.map_err(|error| SealError::Unavailable(Arc::new(error))) },
        )
    }

    fn open(&self, records: Vec<(Vec<u8>, Vec<u8>)>) -> BoxFuture<'_, Result<Vec<Option<Vec<u8>>>, SealError>> {
        Box::pin(
            async move { self.0.open_records(records).await.map_err(|error| SealError::Unavailable(Arc::new(error))) },
        )
    }
}
