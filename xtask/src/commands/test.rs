//! `test`: everything that has to pass before a change lands. Needs Rust, a C compiler and Python 3.
//!
//! Invariants: the stock clients run against the release binary that this run has built; the last line counts every
//! test that ran, and a suite that ran none fails.

use std::fs;

use super::{check, compat, no_arguments};
use crate::{
    counts::Counts,
    python,
    step::{Failure, Steps, run, run_and_keep},
    workplace::Workplace,
};

/// Where a test finds the release binary.
pub(super) const BINARY_VARIABLE: &str = "KANUKI_BIN";

/// The suites of stock clients that this command runs; a folder without one is an error, so that none is forgotten.
const CLIENT_SUITES: &[&str] = &["python"];

/// Check and test.
pub(super) fn ci(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    check::check(workplace, steps, arguments)?;
    behind_check(workplace, steps)
}

/// The quick part of check, then the tests.
pub(super) fn test(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    check::quick(workplace, steps)?;
    behind_check(workplace, steps)
}

fn behind_check(workplace: &Workplace, steps: &mut Steps) -> Result<(), Failure> {
    let mut counts = Counts::default();
    let result = suites(workplace, steps, &mut counts);
    steps.say_skipped();
    println!("\n{counts}");
    result
}

fn suites(workplace: &Workplace, steps: &mut Steps, counts: &mut Counts) -> Result<(), Failure> {
    build_release(workplace, steps)?;
    steps.step("compatibility page", || compat::write_or_compare(workplace, true))?;
    steps.step("Rust tests", || cargo_test(workplace, counts, &[]))?;
    steps.step("clients: folders", || every_client_has_a_suite(workplace))?;
    steps.step("clients: Python environment", || python::environment(workplace).map(|_| ()))?;
    steps.step("clients: Python", || pytest(workplace, counts, "not slow"))
}

/// Builds the binary as it is released.
pub(super) fn build_release(workplace: &Workplace, steps: &Steps) -> Result<(), Failure> {
    steps.step("release binary", || run(&mut workplace.cargo(&["build", "--release", "--package", "kanuki"])))
}

/// `cargo test` of the workspace, counted.
pub(super) fn cargo_test(
    workplace: &Workplace,
    counts: &mut Counts,
    environment: &[(&str, &str)],
) -> Result<(), Failure> {
    let mut command = workplace.cargo(&["test", "--workspace", "--no-fail-fast"]);
    command.envs(environment.iter().copied()).env(BINARY_VARIABLE, workplace.binary());
    let (output, result) = run_and_keep(&mut command)?;
    let counted = Counts::of_cargo(&output);
    *counts += *counted.as_ref().unwrap_or(&Counts::default());
    // A broken run says more than a missing summary.
    result.and(counted.map(|_| ()))
}

/// The tests of the stock Python clients that bear this mark, counted.
pub(super) fn pytest(workplace: &Workplace, counts: &mut Counts, mark: &str) -> Result<(), Failure> {
    let python = python::environment(workplace)?;
    let mut command = workplace.command(python);
    command.args(["-m", "pytest", "--color=no", "-p", "no:cacheprovider", "-m", mark, "clients/python"]);
    command.env(BINARY_VARIABLE, workplace.binary()).env("PYTHONDONTWRITEBYTECODE", "1");
    let (output, result) = run_and_keep(&mut command)?;
    let counted = Counts::of_pytest(&output);
    *counts += *counted.as_ref().unwrap_or(&Counts::default());
    result.and(counted.map(|_| ()))
}

fn every_client_has_a_suite(workplace: &Workplace) -> Result<(), Failure> {
    let folder = workplace.file("clients");
    let unreadable = |error: std::io::Error| Failure::new(format!("cannot read {}: {error}", folder.display()));
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !CLIENT_SUITES.contains(&name.as_str()) {
            return Err(Failure::new(format!("`clients/{name}` has tests that nothing runs; add its suite to xtask")));
        }
    }
    Ok(())
}
