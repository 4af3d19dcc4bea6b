//! The records of decisions, as they are stored.
//!
//! Invariant: unknown members of a record are refused, so that an older server never rewrites a newer one's record.

use kanuki_store::Keyspace;
use kanuki_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::note::DemandNote;
use crate::keyspaces;

/// Decisions by their number; a later one has a greater number.
#[derive(Debug)]
pub(super) struct Decisions;

impl Keyspace for Decisions {
    const ID: u8 = keyspaces::DECISIONS;
    const NAME: &'static str = "decisions";
    type Key = u64;
    type Value = DecisionRecord;
}

/// Numbers of decisions by request id.
#[derive(Debug)]
pub(super) struct DecisionsByRequest;

impl Keyspace for DecisionsByRequest {
    const ID: u8 = keyspaces::DECISIONS_BY_REQUEST;
    const NAME: &'static str = "decisions by request";
    type Key = String;
    type Value = u64;
}

/// How much is kept: one record, under 0.
#[derive(Debug)]
pub(super) struct DecisionTotals;

impl Keyspace for DecisionTotals {
    const ID: u8 = keyspaces::DECISION_TOTALS;
    const NAME: &'static str = "decision totals";
    type Key = u64;
    type Value = Totals;
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Totals {
    /// The number of the oldest decision.
    pub first: u64,
    /// The number that the next decision gets.
    pub next: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// The decision of a call, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DecisionRecord {
    /// The call's request id, as its answer and its record in the trail state it.
    pub request_id: String,
    /// When it was decided.
    pub time: Timestamp,
    /// The operation, such as `kms:Decrypt`.
    pub operation: String,
    /// The Region of the call.
    pub region: String,
    /// The caller's ARN.
    pub principal: String,
    /// The unique id of the caller, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// The id of the access key that signed.
    pub access_key_id: String,
    /// Whether the call was allowed.
    pub allowed: bool,
    /// What the client was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Each access that the call needed, as far as it was decided.
    pub demands: Vec<DemandNote>,
    /// Whether parts were left out because there was too much.
    #[serde(default)]
    pub shortened: bool,
}

impl DecisionRecord {
    /// Its size as it is counted, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        serde_json::to_vec(self).map_or(0, |bytes| bytes.len() as u64)
    }

    /// Leaves parts out until it has at most [`DECISION_BYTES_MAX`] bytes: first the statements that are about other
    /// actions or principals, then every statement that does not apply, then the documents, then everything else.
    #[must_use]
    pub fn shortened(self) -> Self {
        self.shortened_until(|record| record.size() <= DECISION_BYTES_MAX)
    }

    /// Leaves parts out in the same order until `fits`, which is asked a last time when nothing is left to leave out.
    pub(super) fn shortened_until(mut self, mut fits: impl FnMut(&Self) -> bool) -> Self {
        let steps: [fn(&mut Self); 5] = [
            |record| record.demands.iter_mut().for_each(DemandNote::leave_out_what_is_about_others),
            |record| record.demands.iter_mut().for_each(DemandNote::leave_out_what_does_not_apply),
            |record| record.demands.iter_mut().for_each(DemandNote::leave_out_documents),
            |record| record.demands.clear(),
            |record| record.message = None,
        ];
        for step in steps {
            if fits(&self) {
                return self;
            }
            step(&mut self);
            self.shortened = true;
        }
        fits(&self);
        self
    }
}

/// Most bytes of one decision.
pub const DECISION_BYTES_MAX: u64 = 48 * 1024;

/// Most bytes of all decisions that are kept.
pub const DECISIONS_BYTES_MAX: u64 = 64 * 1024 * 1024;
