//! Records of the store, sealed and opened in batches.
//!
//! Not here: what a place is made of; the store frames keyspace, key and version.
//! Invariants: a record opens only at its place; one bad record refuses itself, not the batch.

use kanuki_keeper_protocol::{OwnedBytes, RECORDS_MAX, Reason, Record, Response};

use crate::{error::OpError, keyring::Keyring};

/// Seals each record at its place.
pub(super) fn seal(keyring: &mut Keyring, records: &[Record<'_>]) -> Result<Response, OpError> {
    check_count(records)?;
    let sealed = records.iter().map(|record| keyring.records.seal(record.place.0, record.body.0));
    let sealed: Vec<_> = sealed.map(|blob| blob.map(|blob| Some(OwnedBytes(blob)))).collect::<Result<_, _>>()?;
    Ok(Response::Records(sealed))
}

/// Opens each record at its place; none for one that is refused.
pub(super) fn open(keyring: &mut Keyring, records: &[Record<'_>]) -> Result<Response, OpError> {
    check_count(records)?;
    let opened = records.iter().map(|record| {
        let record = keyring.records.open(record.place.0, record.body.0).ok()?;
        Some(OwnedBytes(record.into_bytes()))
    });
    Ok(Response::Records(opened.collect()))
}

fn check_count(records: &[Record<'_>]) -> Result<(), OpError> {
    if records.len() > RECORDS_MAX { Err(OpError::Refused(Reason::TooLarge)) } else { Ok(()) }
}
