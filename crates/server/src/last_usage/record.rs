//! What is stored of the last use of a key, and of how far the trail was read for it.

use kanuki_store::Keyspace;
use kanuki_types::{AccountId, KeyId, Region, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keyspaces;

/// The last use of keys, by key.
#[derive(Debug)]
pub(super) struct LastUses;

impl Keyspace for LastUses {
    const ID: u8 = keyspaces::LAST_USES;
    const NAME: &'static str = "last uses";
    type Key = (AccountId, Region, KeyId);
    type Value = Use;
}

/// A use of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The operation's name.
    pub operation: String,
    /// When, in whole seconds, as the trail has it.
    pub time: Timestamp,
    /// The id of its record in the trail.
    pub event_id: String,
    /// The id of the request.
    pub request_id: String,
    /// The number of its record in the trail: of two uses the one with the greater number is the later one.
    pub sequence: u64,
}

/// The one record of what is known.
#[derive(Debug)]
pub(super) struct Trackings;

impl Keyspace for Trackings {
    const ID: u8 = keyspaces::LAST_USE_TRACKING;
    const NAME: &'static str = "tracking of last uses";
    type Key = ();
    type Value = Tracking;
}

/// What is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tracking {
    /// Since when uses are noted.
    pub(super) since: Timestamp,
    /// The number of the record up to which every use in the trail is written.
    pub(super) sequence: u64,
}
