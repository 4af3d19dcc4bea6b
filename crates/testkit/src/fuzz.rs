//! Harnesses for whatever reads bytes from outside: one function each, for the fuzzer and for property tests.
//!
//! Not here: the fuzzer's entry points; each file in the top folder `fuzz` calls one function of this module.
//! Invariants: a harness takes any bytes and breaks by an assertion only where the code under test breaks its promise;
//! it answers whether the bytes were accepted, so that a test can tell that a harness reaches what it is for.

mod vocabulary;
mod keeper;
mod sealed;
mod trail;
mod policy;
mod server;
mod identity;

pub use identity::{fuzz_attestation, fuzz_key_set, fuzz_web_token};
pub use keeper::{fuzz_ciphertext, fuzz_keeper_frame_client, fuzz_keeper_frame_server};
pub use policy::{fuzz_policy_findings, fuzz_policy_parse};
pub use sealed::fuzz_sealed_blob;
pub use server::{fuzz_http_body, fuzz_query_body, fuzz_sigv4_header};
pub use trail::fuzz_trail_verify;
pub use vocabulary::{fuzz_arn, fuzz_encryption_context};

#[cfg(test)]
mod tests;
