//! `bench`: measures the release binary with the load generator.

use super::test::{BINARY_VARIABLE, build_release};
use crate::{
    step::{Failure, Steps, run},
    workplace::Workplace,
};

/// Builds both and hands the arguments on.
pub(super) fn bench(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    build_release(workplace, steps)?;
    steps.step("bench", || {
        let mut command = workplace.cargo(&["run", "--release", "--package", "kanuki-bench", "--"]);
        run(command.args(arguments).env(BINARY_VARIABLE, workplace.binary()))
    })
}
