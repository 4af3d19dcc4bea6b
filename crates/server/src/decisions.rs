//! Decisions with all their reasons, kept for a while so that an operator can ask why a call was refused.
//!
//! Not here: the audit; a call's record is in the trail whether its reasons are kept or not. Invariants: nothing waits
//! for this: what the queue cannot take is lost, counted, and said; what is kept is bounded in bytes, and the oldest
//! leaves first; every part is sealed like all records. What a refused caller is handed to show to somebody else is
//! sealed for its account alone.

mod log;
mod note;
mod records;
mod shown;
mod message;
mod decoded;
#[cfg(test)]
mod samples;

pub(crate) use log::find;
pub use log::{DecisionLog, DecisionWriter, decision_log};
pub use message::{AuthorizationMessage, AuthorizationMessages, MESSAGE_CHARS_MAX};
pub(crate) use note::note_of;
pub use note::{ConditionNote, DemandNote, DocumentNote, GrantNote, StatementNote};
pub use records::{DECISION_BYTES_MAX, DECISIONS_BYTES_MAX, DecisionRecord};
