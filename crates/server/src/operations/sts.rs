//! AWS Security Token Service.

use crate::operations::operations;

operations! {
    assume_role AssumeRole,
    get_caller_identity GetCallerIdentity,
}
