//! `slow`: the tests that take minutes; run before a release and every night, not before each change.
//!
//! Rust tests run with more generated cases than usual; a slow client test is marked `pytest.mark.slow`. Ignored Rust
//! tests stay ignored: they are the children of crash tests, and writers of golden data.

use super::{
    no_arguments,
    test::{build_release, cargo_test, pytest},
};
use crate::{
    counts::Counts,
    step::{Failure, Steps},
    workplace::Workplace,
};

/// Cases per property; the usual number is 256.
const PROPERTY_CASES: &str = "20000";

/// Everything that is slow.
pub(super) fn slow(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let mut counts = Counts::default();
    let result = suites(workplace, steps, &mut counts);
    println!("\n{counts}");
    result
}

fn suites(workplace: &Workplace, steps: &Steps, counts: &mut Counts) -> Result<(), Failure> {
    build_release(workplace, steps)?;
    let more_cases = [("PROPTEST_CASES", PROPERTY_CASES)];
    steps.step("Rust tests with more cases", || cargo_test(workplace, counts, &more_cases))?;
    steps.step("clients: slow Python tests", || pytest(workplace, counts, "slow"))
}
