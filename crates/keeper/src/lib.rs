//! The cryptographic module, in its own process: root key, all plaintext key material, every primitive.
//!
//! Not here: the network, the store, names, policies, the decision whether a call is allowed; the parent process.
//! Invariants: plaintext key material never leaves this process except in the answers that exist to carry it; a failed
//! primitive says only that it failed; nothing is served before every right that is not needed is given up.

mod options;
mod start;
pub mod harden;
mod serve;
mod slow;
mod phase;
mod vault;
mod error;
mod material;
mod der;
mod cms;
mod keys;
mod kdf;
mod aead;
mod nonces;
mod envelope;
mod seal;
mod keyring;
mod ops;

pub use options::{KeeperOptions, SealSource};
pub use seal::SealSourceError;
pub use serve::ServeError;
pub use start::{KeeperStartError, insecure_serve, run};
