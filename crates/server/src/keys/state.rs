//! Which states of a key an operation accepts, and what the others answer.
//!
//! Rule: "Key states of AWS KMS keys" of the AWS KMS developer guide. What a refusal says depends on the state alone; an
//! operation declares only which states it accepts.

use kanuki_types::KeyState::{
    self, Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion, Unavailable, Updating,
};

use super::entry::KeyEntry;
use crate::error::{ApiError, ErrorCode};

/// The states in which key material may be used.
pub const USABLE: &[KeyState] = &[Enabled, Updating];

/// Every state but those that wait for deletion.
pub const NOT_PENDING_DELETION: &[KeyState] = &[Creating, Disabled, Enabled, PendingImport, Unavailable, Updating];

/// The states between which EnableKey and DisableKey switch.
pub const SWITCHABLE: &[KeyState] = &[Disabled, Enabled, Unavailable];

/// Checks the state of a key.
///
/// # Errors
/// `DisabledException` or `KMSInvalidStateException`, by the state that the key is in.
pub fn check_state(entry: &KeyEntry, accepted: &[KeyState]) -> Result<(), ApiError> {
    let state = entry.state();
    if accepted.contains(&state) {
        return Ok(());
    }
    let (code, is) = match state {
        Creating => (ErrorCode::InvalidState, "is creating."),
        Disabled => (ErrorCode::Disabled, "is disabled."),
        Enabled => (ErrorCode::InvalidState, "is enabled."),
        PendingDeletion | PendingReplicaDeletion => (ErrorCode::InvalidState, "is pending deletion."),
        PendingImport => (ErrorCode::InvalidState, "is pending import."),
        Unavailable => (ErrorCode::InvalidState, "is unavailable."),
        Updating => (ErrorCode::InvalidState, "is updating."),
    };
    Err(ApiError::new(code, format!("{} {is}", entry.arn_text())))
}
