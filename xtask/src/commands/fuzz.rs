//! `fuzz`: runs one fuzz target for a while, with the newest nightly compiler that is installed.
//!
//! Not here: the targets' bodies; they are in `crates/testkit/src/fuzz.rs` and run as property tests every time.

use std::fs;

use crate::{
    step::{Failure, Steps, run},
    workplace::Workplace,
};

/// How long a target runs if nobody says, in seconds.
const SECONDS: u32 = 60;

/// Runs a target, or lists the targets.
pub(super) fn fuzz(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    let targets = targets(workplace)?;
    let Some((target, rest)) = arguments.split_first() else {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    };
    if !targets.contains(target) {
        return Err(Failure::new(format!("there is no target `{target}`; there are: {}", targets.join(", "))));
    }
    let seconds = match rest {
        [] => SECONDS,
        [seconds] => seconds.parse().map_err(|_| Failure::new(format!("`{seconds}` is no number of seconds")))?,
        _ => return Err(Failure::new("fuzz takes a target and a number of seconds")),
    };
    needs(workplace)?;
    steps.step(&format!("fuzz {target} for {seconds} s"), || {
        let mut command = workplace.command("cargo");
        command.args(["+nightly", "fuzz", "run", target, "--", &format!("-max_total_time={seconds}")]);
        let words = workplace.file(format!("fuzz/dictionaries/{target}.dict"));
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        // The main target folder belongs to the pinned compiler.
        run(command.env("CARGO_TARGET_DIR", workplace.target.join("fuzz")))
    })
}

fn needs(workplace: &Workplace) -> Result<(), Failure> {
    if !workplace.answers("cargo", &["+nightly", "--version"]) {
        return Err(Failure::new("fuzzing needs a nightly compiler: `rustup toolchain install nightly`"));
    }
    if !workplace.answers("cargo", &["fuzz", "--version"]) {
        return Err(Failure::new("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz --locked`"));
    }
    Ok(())
}

/// The names of the targets, from the manifest.
fn targets(workplace: &Workplace) -> Result<Vec<String>, Failure> {
    let path = workplace.file("fuzz/Cargo.toml");
    let text =
        fs::read_to_string(&path).map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
    let table: toml::Table = text.parse().map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let bins = table.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(bins.filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned())).collect())
}
