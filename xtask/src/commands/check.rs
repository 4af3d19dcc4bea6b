//! `check`: what can be judged without running the product.

use super::no_arguments;
use crate::{
    step::{Failure, Steps, run},
    tidy,
    tree::Tree,
    workplace::Workplace,
};

/// Format, lints, tidy, dependency rules and documentation.
pub(super) fn check(workplace: &Workplace, steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    quick(workplace, steps)?;
    if workplace.answers("cargo", &["deny", "--version"]) {
        steps.step("deny", || {
            // Advisories need a database from the network; they are a scheduled matter, not one of each change.
            run(workplace.command("cargo").args(["deny", "check", "licenses", "bans", "sources"]))
        })?;
    } else {
        steps.skip("deny", "cargo-deny is not installed; `cargo install cargo-deny --locked` gets it");
    }
    steps.step("documentation", || {
        let mut doc = workplace.cargo(&["doc", "--workspace", "--no-deps"]);
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })
}

/// Format, lints and tidy.
pub(super) fn quick(workplace: &Workplace, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("format", || run(&mut workplace.cargo(&["fmt", "--all", "--check"])))?;
    steps.step("lints", || {
        run(&mut workplace.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    steps.step("tidy", || tidy_checkout(workplace))
}

fn tidy_checkout(workplace: &Workplace) -> Result<(), Failure> {
    let tree = Tree::read(&workplace.root)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", workplace.root.display())))?;
    for note in tidy::notes(&tree) {
        println!("note: {note}");
    }
    let findings = tidy::findings(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} findings"))),
    }
}
