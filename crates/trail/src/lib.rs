//! The audit trail: append-only, hash-chained, durable before the answer.
//!
//! Not here: what is recorded of which operation (the server's), signed digests and delivery, any network.
//! Invariants: an append that returned is on the disk; a change to a record that lies before an anchor is found;
//! after an input or output error no append succeeds any more.

mod record;
mod position;
mod error;
mod damage;
mod trail;
mod queue;
mod writer;
mod prepare;
mod directory;
mod segment;
mod chain;
mod window;
mod walk;
mod diagnose;
mod open;
mod read;
mod verify;
#[cfg(test)]
mod faults;

pub use damage::{Break, BreakKind};
pub use error::{AppendError, OpenError, ReadError};
pub use position::{Anchor, EventId, ParseEventIdError, Position};
pub use read::{Entry, ReadFrom, Reader, read};
pub use record::{
    ADDITIONAL_EVENT_DATA_BYTES_MAX, AWS_INTERNAL, AuditRecord, ERROR_MESSAGE_BYTES_MAX, EventCategory, EventType,
    REQUEST_PARAMETERS_BYTES_MAX, RESOURCES_MAX, RESPONSE_ELEMENTS_BYTES_MAX, RecordError, Resource,
    SERVICE_EVENT_DETAILS_BYTES_MAX, SHORT_TEXT_BYTES_MAX, SessionAttributes, SessionContext, SessionIssuer,
    TlsDetails, USER_AGENT_BYTES_MAX, UserIdentity, WebIdFederationData,
};
pub use trail::{Options, PendingAppend, Recovery, SEGMENT_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, Trail};
pub use verify::{BREAKS_MAX, Report, verify};

/// Longest record, in bytes. CloudTrail's own limit for an event is 256 KiB as well.
pub const RECORD_BYTES_MAX: usize = 262_144;
