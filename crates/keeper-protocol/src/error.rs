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
    /// The other side's public key is malformed or of another curve.
    BadPeerKey,
    /// The recipient's public key is no RSA key of a length that is served.
    BadRecipient,
    /// A value is out of its form, or fixed key material is not allowed by the configuration.
    BadRequest,
    /// Too much slow work waits; the same request may succeed later.
    Busy,
    /// The import token is of a time that has passed.
    ImportTokenExpired,
    /// The import token is none, or of another key.
    ImportTokenInvalid,
    /// Unwrapped key material does not fit the key spec.
    MaterialInvalid,
    /// A value or the answer is over its limit.
    TooLarge,
    /// The algorithm or message type is not one of the key spec, or is not implemented.
    UnsupportedAlgorithm,
    /// The key spec is not implemented, or not for this operation.
    UnsupportedSpec,
    /// Wrapped key material does not open with the token's key and algorithm.
    UnwrapFailed,
    /// The keeper is sealed, already unsealed, or draining.
    WrongPhase,
}

impl fmt::Display for KeeperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "the keeper could not do it",
            Self::Gone => "the keeper is gone",
            Self::Protocol => "the keeper speaks another protocol",
            Self::Refused(Reason::BadPeerKey) => "the keeper refused the other side's public key",
            Self::Refused(Reason::BadRecipient) => "the keeper refused the recipient's public key",
            Self::Refused(Reason::BadRequest) => "the keeper refused a malformed request",
            Self::Refused(Reason::Busy) => "the keeper has too much slow work to take more",
            Self::Refused(Reason::ImportTokenExpired) => "the import token has expired",
            Self::Refused(Reason::ImportTokenInvalid) => "the import token is not of this key",
            Self::Refused(Reason::MaterialInvalid) => "the key material does not fit the key spec",
            Self::Refused(Reason::TooLarge) => "the keeper refused a request over its limits",
            Self::Refused(Reason::UnsupportedAlgorithm) => "the keeper does not do this algorithm with the key spec",
            Self::Refused(Reason::UnsupportedSpec) => "the keeper does not implement the key spec for this",
            Self::Refused(Reason::UnwrapFailed) => "the wrapped key material does not open",
            Self::Refused(Reason::WrongPhase) => "the keeper is not in the phase for this request",
        })
    }
}

impl std::error::Error for KeeperError {}
