//! UpdateGroup: another name or path; the id, and what hangs on it, stays.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html>

use super::{holders::OfGroup, renaming::Rename};

/// The operation.
pub type UpdateGroup = Rename<OfGroup>;
