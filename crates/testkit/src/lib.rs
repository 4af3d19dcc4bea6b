//! What tests of several crates share; the harnesses for whatever reads bytes from outside, and the second
//! evaluator of policies.
//!
//! Not here: anything that a released binary may depend on.

pub mod fuzz;
pub mod judge;
