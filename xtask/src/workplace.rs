//! Where the work happens: the checkout, the target folder, and the environment that was given.
//!
//! Not here: reading the environment; `main` does it once and hands the values in.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The checkout and its programs.
#[derive(Debug)]
pub(crate) struct Workplace {
    /// The top of the checkout.
    pub(crate) root: PathBuf,
    /// Where built things go; absolute.
    pub(crate) target: PathBuf,
    /// The `cargo` that runs this program.
    pub(crate) cargo: OsString,
}

impl Workplace {
    /// `cargo` with its first words, in the checkout.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut command = self.command(&self.cargo);
        command.args(words);
        command
    }

    /// A program, run in the checkout with the target folder of this run.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// The release binary, built by the step of that name.
    pub(crate) fn binary(&self) -> PathBuf {
        self.target.join("release").join("kanuki")
    }

    /// A file of the checkout.
    pub(crate) fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Whether the words run and succeed; their output is thrown away.
    pub(crate) fn answers(&self, program: &str, words: &[&str]) -> bool {
        let mut command = self.command(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
