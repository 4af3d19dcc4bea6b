//! What a ready keeper holds, shared by its threads.
//!
//! Not here: phases (`phase.rs`); who runs what (`slow.rs`).
//! Invariant: a lock is held for microseconds, never while a slow primitive runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{keyring::Keyring, keys::ParsedKeys};

/// The open keyring and the parsed keys.
#[derive(Debug)]
pub(crate) struct Vault {
    keyring: Mutex<Keyring>,
    parsed: Mutex<ParsedKeys>,
    /// Whether key material given from outside is sealed.
    pub(crate) insecure_fixed_material: bool,
}

impl Vault {
    pub(crate) fn new(keyring: Keyring, insecure_fixed_material: bool) -> Self {
        Self { keyring: Mutex::new(keyring), parsed: Mutex::default(), insecure_fixed_material }
    }

    pub(crate) fn keyring(&self) -> MutexGuard<'_, Keyring> {
        lock(&self.keyring)
    }

    pub(crate) fn parsed(&self) -> MutexGuard<'_, ParsedKeys> {
        lock(&self.parsed)
    }
}

/// Takes a lock. Nothing panics while it holds one; were it so, what it guards would still be whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
