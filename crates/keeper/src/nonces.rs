//! Nonces of the key derivation, drawn from the module's generator in advance: one call for many.
//!
//! Not for secrets, and not for the nonces of AES-GCM, which the module chooses itself while it seals.
//! Invariants: no byte is handed out twice; a nonce is public only after it is used.

use std::fmt;

use kanuki_keeper_protocol::KDF_NONCE_BYTES;
use zeroize::Zeroizing;

use crate::error::Failed;

/// A supply of random nonces.
pub(crate) struct Nonces {
    supply: Zeroizing<Vec<[u8; KDF_NONCE_BYTES]>>,
}

impl Nonces {
    /// An empty supply; the first use fills it.
    pub(crate) fn new() -> Self {
        Self { supply: Zeroizing::new(Vec::with_capacity(SUPPLY_LEN)) }
    }

    /// The next nonce.
    pub(crate) fn draw(&mut self) -> Result<[u8; KDF_NONCE_BYTES], Failed> {
        if self.supply.is_empty() {
            self.supply.resize(SUPPLY_LEN, [0; KDF_NONCE_BYTES]);
            let filled = aws_lc_rs::rand::fill(self.supply.as_flattened_mut());
            if filled.is_err() {
                // What was not filled must never be handed out.
                self.supply.clear();
                return Err(Failed);
            }
        }
        self.supply.pop().ok_or(Failed)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} nonces]", self.supply.len())
    }
}

/// How many are drawn at once: 1 KiB.
const SUPPLY_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_repeats_across_refills() {
        let mut nonces = Nonces::new();
        let drawn: std::collections::BTreeSet<_> = (0..3 * SUPPLY_LEN + 1).map(|_| nonces.draw().unwrap()).collect();
        assert_eq!(drawn.len(), 3 * SUPPLY_LEN + 1);
        assert!(!drawn.contains(&[0; KDF_NONCE_BYTES]));
    }
}
