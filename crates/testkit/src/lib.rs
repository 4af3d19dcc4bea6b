//! What tests of several crates share; today the harnesses for whatever reads bytes from outside.
//!
//! Not here: anything that a released binary may depend on.

pub mod fuzz;
