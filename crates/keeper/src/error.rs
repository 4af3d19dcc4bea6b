//! Why an operation has no result.
//!
//! Not here: reasons of a failed primitive; there are none to tell.
//! Invariant: every error of a primitive becomes [`OpError::Failed`], whatever it was.

use aws_lc_rs::error::Unspecified;
use kanuki_keeper_protocol::{Reason, Response};

/// A primitive failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

impl From<Unspecified> for Failed {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// An operation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpError {
    Failed,
    Refused(Reason),
}

impl From<Failed> for OpError {
    fn from(_: Failed) -> Self {
        Self::Failed
    }
}

impl From<OpError> for Response {
    fn from(error: OpError) -> Self {
        match error {
            OpError::Failed => Self::Failed,
            OpError::Refused(reason) => Self::Refused(reason),
        }
    }
}
