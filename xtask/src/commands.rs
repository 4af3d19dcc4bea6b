//! The table of commands; usage and dispatch are read from it.

mod check;
mod test;
mod slow;
mod fuzz;
mod vectors;
mod bench;
mod compat;
mod op_new;
mod secret_openers;

use std::fmt::Write as _;

use crate::{
    step::{Failure, Steps},
    workplace::Workplace,
};

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    /// The first word.
    pub(crate) name: &'static str,
    /// The words that may follow.
    pub(crate) arguments: &'static str,
    /// What it does, in one line.
    pub(crate) about: &'static str,
    /// Does it.
    pub(crate) run: fn(&Workplace, &mut Steps, &[String]) -> Result<(), Failure>,
}

/// Every command, the daily ones first.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        arguments: "",
        about: "format, lints, tidy, dependency rules, documentation",
        run: check::check,
    },
    Command {
        name: "test",
        arguments: "",
        about: "what has to pass: check without documentation, release build, all quick tests, stock clients",
        run: test::test,
    },
    Command { name: "ci", arguments: "", about: "check, then test", run: test::ci },
    Command {
        name: "slow",
        arguments: "",
        about: "the tests that take minutes: more generated cases, crashes, slow client tests",
        run: slow::slow,
    },
    Command {
        name: "fuzz",
        arguments: "TARGET [SECONDS]",
        about: "look for inputs that break a parser; without a target, list the targets",
        run: fuzz::fuzz,
    },
    Command {
        name: "vectors",
        arguments: "",
        about: "make the golden data again; fails if it changes",
        run: vectors::vectors,
    },
    Command {
        name: "bench",
        arguments: "[ARGUMENTS]",
        about: "measure the release binary and decisions; arguments go to the load generator, or are `decisions`",
        run: bench::bench,
    },
    Command {
        name: "compat",
        arguments: "[--check]",
        about: "write docs/compat/kms.md from the binary's own table; with --check, fail if it would change",
        run: compat::compat,
    },
    Command {
        name: "op-new",
        arguments: "SERVICE NAME",
        about: "begin an operation: its file, its line in the table, its folder of vectors",
        run: op_new::op_new,
    },
    Command {
        name: "secret-openers",
        arguments: "",
        about: "write the list of places that open a secret",
        run: secret_openers::secret_openers,
    },
];

/// The list of commands.
pub(crate) fn usage() -> String {
    let mut out = "Usage: cargo xtask COMMAND\n\n".to_owned();
    for Command { name, arguments, about, .. } in COMMANDS {
        let words = format!("{name} {arguments}");
        // Writing to a text cannot fail.
        let _ = writeln!(out, "  {words:<24} {about}");
    }
    out
}

/// Refuses words that a command does not take.
fn no_arguments(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        Some(word) => Err(Failure::new(format!("this command takes no arguments, but got `{word}`"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_lists_every_command_once() {
        let usage = usage();
        for command in COMMANDS {
            assert_eq!(usage.lines().filter(|line| line.split_whitespace().next() == Some(command.name)).count(), 1);
        }
    }

    #[test]
    fn stray_words_are_refused() {
        assert!(no_arguments(&[]).is_ok());
        assert!(no_arguments(&["--fast".to_owned()]).is_err());
    }
}
