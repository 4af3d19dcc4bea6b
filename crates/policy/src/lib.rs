//! The IAM policy language and its decision.
