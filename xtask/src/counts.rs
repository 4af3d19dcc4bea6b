//! How many tests passed, failed and were skipped, read from what the test runners print last.
//!
//! Not here: running them.
//! Invariant: a runner whose summary is missing, or that ran nothing, is a failure and never a pass.

use std::{fmt, ops::AddAssign};

use crate::step::Failure;

/// Numbers of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that ran and held.
    pub(crate) passed: u64,
    /// Those that ran and broke, or could not start.
    pub(crate) failed: u64,
    /// Those that did not run.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Reads every `test result:` line of `cargo test`; each test binary prints one.
    pub(crate) fn of_cargo(output: &str) -> Result<Self, Failure> {
        let mut counts = Self::default();
        for line in output.lines() {
            let plain = without_colours(line);
            let Some(summary) = plain.strip_prefix("test result: ") else { continue };
            for (number, word) in pairs(summary) {
                match word {
                    "passed" => counts.passed += number,
                    "failed" => counts.failed += number,
                    "ignored" => counts.skipped += number,
                    _ => {}
                }
            }
        }
        counts.not_empty("cargo test")
    }

    /// Reads the last summary line of `pytest`: `3 passed, 1 skipped in 0.42s`, with or without its frame.
    pub(crate) fn of_pytest(output: &str) -> Result<Self, Failure> {
        let plain = output.lines().rev().map(without_colours);
        let mut summaries =
            plain.filter(|line| line.contains(" in ") && pairs(line).iter().any(|(_, w)| is_outcome(w)));
        let mut counts = Self::default();
        for (number, word) in pairs(&summaries.next().unwrap_or_default()) {
            match word {
                "passed" | "xpassed" => counts.passed += number,
                "failed" | "error" | "errors" => counts.failed += number,
                "skipped" | "xfailed" => counts.skipped += number,
                _ => {}
            }
        }
        counts.not_empty("pytest")
    }

    fn not_empty(self, runner: &str) -> Result<Self, Failure> {
        if self.passed == 0 && self.failed == 0 {
            return Err(Failure::new(format!("{runner} printed no summary, or ran no test")));
        }
        Ok(self)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

fn is_outcome(word: &str) -> bool {
    ["passed", "xpassed", "failed", "error", "errors", "skipped", "xfailed"].contains(&word)
}

/// Every number that a word follows.
fn pairs(line: &str) -> Vec<(u64, &str)> {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || ",;=.".contains(c)).filter(|w| !w.is_empty()).collect();
    let pair = |pair: &[&'_ str]| Some(pair.first()?.parse::<u64>().ok()).flatten();
    words.windows(2).filter_map(|two| Some((pair(two)?, *two.last()?))).collect()
}

/// The line without the escape sequences that colour it.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| part.split_once('m')).map(|(_, text)| text).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_added_up() {
        let output = "running 3 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: \u{1b}[31mFAILED\u{1b}[0m. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.01s\n";
        assert_eq!(Counts::of_cargo(output).unwrap(), Counts { passed: 14, failed: 3, skipped: 1 });
    }

    #[test]
    fn pytest_is_read_in_every_form() {
        let counts = |passed, failed, skipped| Counts { passed, failed, skipped };
        for (line, expected) in [
            ("==== 12 passed, 2 skipped, 3 deselected, 1 warning in 3.21s ====", counts(12, 0, 2)),
            ("12 passed in 0.10s", counts(12, 0, 0)),
            (
                "\u{1b}[31m==== \u{1b}[31m\u{1b}[1m1 failed\u{1b}[0m, \u{1b}[32m4 passed\u{1b}[0m\u{1b}[31m in 61.02s (0:01:01)\u{1b}[0m ====",
                counts(4, 1, 0),
            ),
            ("1 failed, 1 xfailed, 1 xpassed, 2 errors in 0.1s", counts(1, 3, 1)),
        ] {
            assert_eq!(
                Counts::of_pytest(&format!("collected 9 items\n3 passed in my dreams\n{line}\n")).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn nothing_run_is_a_failure() {
        for output in [
            "",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured",
            "no tests ran in 0.01s",
            "3 deselected in 0.1s",
        ] {
            assert!(Counts::of_cargo(output).is_err(), "{output}");
            assert!(Counts::of_pytest(output).is_err(), "{output}");
        }
    }

    #[test]
    fn the_last_line_is_as_the_readme_says() {
        let mut counts = Counts { passed: 1, failed: 0, skipped: 2 };
        counts += Counts { passed: 4, failed: 0, skipped: 0 };
        assert_eq!(counts.to_string(), "5 passed, 0 failed, 2 skipped");
    }
}
