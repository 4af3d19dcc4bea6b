//! Why the keeper did not do what was asked.
//!
//! Not a diagnosis: a failed primitive says only that it failed, so that no caller can learn more by asking often.
//! Invariant: no variant carries anything that came with the request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The error of every call to the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeeperError {
    /// A primitive failed: a tag did not verify, a blob is of another key, or randomness is missing.
    Failed,
    /// The keeper's process is dead or the connection is closed. Every later call says the same.
    Gone,
    /// The other side does not speak this protocol version.
    Protocol,
    /// The keeper does not take the request.
    Refused(Reason),
}

/// Why a request is refused before any primitive runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// A value is out of its form, or fixed key material is not allowed by the configuration.
    BadRequest,
    /// A value or the answer is over its limit.
    TooLarge,
    /// The key spec is not implemented.
    UnsupportedSpec,
    /// The keeper is sealed, already unsealed, or draining.
    WrongPhase,
}

impl fmt::Display for KeeperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "the keeper could not do it",
            Self::Gone => "the keeper is gone",
            Self::Protocol => "the keeper speaks another protocol",
            Self::Refused(Reason::BadRequest) => "the keeper refused a malformed request",
            Self::Refused(Reason::TooLarge) => "the keeper refused a request over its limits",
            Self::Refused(Reason::UnsupportedSpec) => "the keeper does not implement the key spec",
            Self::Refused(Reason::WrongPhase) => "the keeper is not in the phase for this request",
        })
    }
}

impl std::error::Error for KeeperError {}
