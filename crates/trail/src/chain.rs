//! The hash chain: each record's hash covers the record and the hash before it.
//!
//! Not here: where the bytes lie in a file (`segment.rs`).
//! Invariant: two different histories never end in the same hash, as long as SHA-256 has no known collision; every
//! part of the hashed text has a fixed length but the last, whose length is hashed before it.

use sha2::{Digest as _, Sha256};

use crate::segment::RecordHead;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// The hash before the first record.
pub(crate) const CHAIN_START: Hash = *b"kanuki trail: the chain's start\0";

/// The hash of a record: label, previous hash, length, place in the group, sequence, event id, payload.
///
/// Label and previous hash fill one block of SHA-256, the fixed fields half of one.
pub(crate) fn record_hash(previous: &Hash, head: &RecordHead, payload: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(RECORD_LABEL);
    hash.update(previous);
    hash.update(head.length.to_be_bytes());
    hash.update(head.group_place.to_be_bytes());
    hash.update(head.sequence.to_be_bytes());
    hash.update(head.event_id.0);
    hash.update(payload);
    hash.finalize().into()
}

/// The hash at the end of a segment's header, over everything before it.
pub(crate) fn header_hash(fields: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(HEADER_LABEL);
    hash.update(fields);
    hash.finalize().into()
}

/// What is known of the hash before the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// One of two: behind a damaged record, the hash that it carries or the hash that it should carry.
    Either(Hash, Hash),
    /// The hash.
    Known(Hash),
    /// Nothing: records are missing before it.
    Unknown,
}

impl Link {
    /// Whether a record follows on this hash. Anything follows on an unknown one.
    pub(crate) fn leads_to(&self, head: &RecordHead, payload: &[u8]) -> bool {
        let fits = |previous: &Hash| record_hash(previous, head, payload) == head.hash;
        match self {
            Self::Either(one, other) => fits(one) || fits(other),
            Self::Known(previous) => fits(previous),
            Self::Unknown => true,
        }
    }

    /// Whether the hash may be this one.
    pub(crate) fn allows(&self, hash: &Hash) -> bool {
        match self {
            Self::Either(one, other) => one == hash || other == hash,
            Self::Known(previous) => previous == hash,
            Self::Unknown => true,
        }
    }

    /// The hash that a record should carry, if the hash before it is known.
    pub(crate) fn hash_of(&self, head: &RecordHead, payload: &[u8]) -> Option<Hash> {
        match self {
            Self::Either(previous, _) | Self::Known(previous) => Some(record_hash(previous, head, payload)),
            Self::Unknown => None,
        }
    }
}

const RECORD_LABEL: &[u8; 32] = b"kanuki trail: record, version 1\0";
const HEADER_LABEL: &[u8; 32] = b"kanuki trail: header, version 1\0";
