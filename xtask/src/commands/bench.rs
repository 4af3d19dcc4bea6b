//! `bench`: measures the release binary with the load generator, and how long decisions take.

use super::test::{BINARY_VARIABLE, build_release};
use crate::{
    step::{Failure, Steps, run},
    workplace::Workplace,
};

/// Without arguments everything; with `decisions` the table of decisions alone; other arguments go to the load generator.
pub(super) fn bench(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => {
            load(workplace, steps, arguments)?;
            decisions(workplace, steps)
        }
        [word] if word == DECISIONS => decisions(workplace, steps),
        _ => load(workplace, steps, arguments),
    }
}

fn load(workplace: &Workplace, steps: &Steps, arguments: &[String]) -> Result<(), Failure> {
    build_release(workplace, steps)?;
    steps.step("bench", || {
        let mut command = workplace.cargo(&["run", "--release", "--package", "kanuki-bench", "--"]);
        run(command.args(arguments).env(BINARY_VARIABLE, workplace.binary()))
    })
}

/// The measurement is a test of the server's crate, since it needs a verified caller and nothing else can make one.
fn decisions(workplace: &Workplace, steps: &Steps) -> Result<(), Failure> {
    steps.step(DECISIONS, || {
        let words = ["test", "--release", "--package", "kanuki-server", "--lib", "authz::speed::table", "--"];
        run(workplace.cargo(&words).args(["--ignored", "--nocapture"]))
    })
}

const DECISIONS: &str = "decisions";
