//! How a keeper is started.
//!
//! Not here: reading flags or files; the binary fills the options, `seal/` reads what they point to.
//! Invariant: the options hold no secret, only where one is.

use std::path::PathBuf;

/// What the keeper needs to know before it serves.
#[derive(Debug, Clone)]
pub struct KeeperOptions {
    /// Where the secret comes from that seals the root key.
    pub seal: SealSource,
    /// Whether a missing key file is made (mode 0600), and a typed passphrase is asked for twice.
    pub create_seal_key: bool,
    /// Whether key material given from outside is sealed (tests and seeds); without it such requests are refused.
    pub insecure_fixed_material: bool,
}

/// Where the secret comes from that seals the root key. The keeper reads it itself; the server never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealSource {
    /// A file with a key: made by the keeper, or a credential of the service manager in the same form.
    KeyFile(PathBuf),
    /// A file with a passphrase, or `/dev/tty` or `-`: asked for at the terminal.
    Passphrase(PathBuf),
}
