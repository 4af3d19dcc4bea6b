//! Faults of the disk, for tests: the writer's n-th write or sync fails.
//!
//! Not here: faults of opening and of preparing.
//! Invariant: a fault happens once; a writer that tried again would succeed, and the tests would see it.

use std::{
    io,
    sync::atomic::{AtomicI64, Ordering},
};

/// Which call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Sync,
    Write,
}

/// How many calls of each kind still succeed before one fails.
#[derive(Debug)]
pub(crate) struct Faults {
    syncs: AtomicI64,
    writes: AtomicI64,
}

impl Default for Faults {
    fn default() -> Self {
        Self { syncs: AtomicI64::new(i64::MAX), writes: AtomicI64::new(i64::MAX) }
    }
}

impl Faults {
    /// Lets so many calls succeed and the next one fail.
    pub(crate) fn arm(&self, fault: Fault, successes: i64) {
        self.counter(fault).store(successes, Ordering::Relaxed);
    }

    /// Fails if it is time.
    pub(crate) fn check(&self, fault: Fault) -> io::Result<()> {
        let due = self.counter(fault).fetch_sub(1, Ordering::Relaxed) == 0;
        if due { Err(io::Error::other("a fault of the test")) } else { Ok(()) }
    }

    fn counter(&self, fault: Fault) -> &AtomicI64 {
        match fault {
            Fault::Sync => &self.syncs,
            Fault::Write => &self.writes,
        }
    }
}
