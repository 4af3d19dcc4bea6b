//! A one-time code that a request presents.
//!
//! Not here: whether it is right; `identity/mfa` knows the device. Invariant: a code is never printed.

use std::fmt;

/// A device and the code that it shows.
#[derive(Clone)]
pub struct SecondFactor {
    /// The device's serial number.
    pub serial: Option<String>,
    /// The code.
    pub code: Option<String>,
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactor").field("serial", &self.serial).finish_non_exhaustive()
    }
}
