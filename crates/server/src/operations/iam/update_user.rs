//! UpdateUser: another name or path; the id, and what hangs on it, stays.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>

use super::{holders::OfUser, renaming::Rename};

/// The operation.
pub type UpdateUser = Rename<OfUser>;
