//! Black-box tests of the audit trail, through its public interface and the bytes of its files.
//!
//! Not here: faults that need a look inside (`src/trail/tests.rs`).
//! Invariant: the format is parsed by code of its own, written from `format.md`.
//! The lints tell tests from other code by the attribute on each module.

#[cfg(test)]
mod format;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod golden;
