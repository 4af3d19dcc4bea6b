//! HTTP, signatures, the pipeline, authorization, and the operations of every service.
//!
//! Not here: cryptography on key material (the keeper's), storage engines, the clock and the environment.
//! Invariants: no access without a decision; no answer without a durable record; nothing from outside is unbounded.
//! The modules stand in the order in which a request meets them.

pub mod tls;
pub mod http;
pub mod wire;
pub mod authn;
pub mod pipeline;
pub mod quotas;
pub mod authz;
pub mod operation;
pub mod operations;
pub mod doors;
pub mod keys;
pub mod custom_key_stores;
pub mod xks;
pub mod tokens;
pub mod identity;
pub mod record;
pub mod last_usage;
pub mod recipient;
pub mod decisions;
pub mod operator;
pub mod jobs;
pub mod error;
pub mod settings;
pub mod limits;
pub mod keyspaces;
pub mod durable_file;
mod base64_text;
mod secret_text;
