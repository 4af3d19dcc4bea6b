//! Automation of the project: `cargo xtask` lists the commands, and continuous integration calls nothing else.
//!
//! Not here: anything that a released binary needs.
//! Invariants: needs the standard library and two parsers only, so that it compiles in seconds; a command that fails
//! exits with a code other than 0.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program of a terminal speaks on it")]

mod workplace;
mod step;
mod counts;
mod tree;
mod source;
mod api;
mod tidy;
mod python;
mod commands;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    commands::COMMANDS,
    step::{Failure, Steps},
    workplace::Workplace,
};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match start(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            eprintln!("xtask: {text}");
            ExitCode::from(code)
        }
    }
}

/// Finds the command and runs it.
fn start(words: &[String]) -> Result<(), Failure> {
    let Some((name, arguments)) = words.split_first() else {
        print!("{}", commands::usage());
        return Ok(());
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", commands::usage());
        return Ok(());
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(Failure::new(format!("there is no command `{name}`\n\n{}", commands::usage())));
    };
    let mut steps = Steps::default();
    let result = (command.run)(&workplace()?, &mut steps, arguments);
    steps.say_skipped();
    result
}

/// The only place that reads the environment.
#[expect(clippy::disallowed_methods, reason = "main reads the environment and hands it on")]
fn workplace() -> Result<Workplace, Failure> {
    // Cargo sets the first at run time; the second covers a binary that is started by hand.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let root = Path::new(&manifest).parent().ok_or_else(|| Failure::new("xtask lies outside of a checkout"))?;
    let here = env::current_dir().map_err(|error| Failure::new(format!("there is no current folder: {error}")))?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| here.join(PathBuf::from(path)));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    Ok(Workplace { root: root.into(), target, cargo })
}
