//! One step of a command: its heading, its time, the program it runs, and how it fails.
//!
//! Not here: which steps there are.
//! Invariants: a step that fails stops the command; what was skipped is said again at the end.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

/// Why a command failed, with the exit code it leaves with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) text: String,
    /// The exit code.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure that no other program's exit code describes.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The steps of a run: says headings and times, and remembers what was skipped.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    skipped: Vec<String>,
}

impl Steps {
    /// Runs one step under its heading.
    pub(crate) fn step<T>(&self, name: &str, body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        println!("\n== {name}");
        let start = Instant::now();
        let result = body();
        let seconds = start.elapsed().as_secs_f32();
        match &result {
            Ok(_) => println!("-- {name}: done in {seconds:.1} s"),
            Err(Failure { text, code }) => println!("-- {name}: FAILED after {seconds:.1} s, exit code {code}: {text}"),
        }
        result.map_err(|failure| Failure { text: format!("step `{name}`: {failure}"), ..failure })
    }

    /// Says that something is not done, and why.
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        let text = format!("{what}: {why}");
        println!("\n== skipped: {text}");
        self.skipped.push(text);
    }

    /// Repeats what was skipped, once.
    pub(crate) fn say_skipped(&mut self) {
        for text in self.skipped.drain(..) {
            println!("skipped: {text}");
        }
    }
}

/// Runs a program; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| not_started(command, &error))?;
    succeeded(command, status)
}

/// Runs a program and returns what it printed, and whether it succeeded; the output is shown as it comes.
pub(crate) fn run_and_keep(command: &mut Command) -> Result<(String, Result<(), Failure>), Failure> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, &error))?;
    let broken = |error: std::io::Error| Failure::new(format!("its output broke off: {error}"));
    let mut kept = String::new();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).map_err(broken)? > 0 {
            std::io::stdout().write_all(&line).map_err(broken)?;
            kept.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait().map_err(broken)?;
    Ok((kept, succeeded(command, status)))
}

/// Runs a program silently and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).map_err(|_| Failure::new("it printed something that is no text"))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start `{}`: {error}", words(command)))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    // A program that a signal ended has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Failure { text: format!("`{}` ended with {status}", words(command)), code })
}

/// The program without its folder, and its first words.
fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().take(WORDS_SHOWN);
    [program].into_iter().chain(words).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

const WORDS_SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failing_step_gives_its_name_and_its_code() {
        let failure = Steps::default().step("lint", || run(&mut shell("exit 7"))).unwrap_err();
        assert_eq!(failure.code, 7);
        assert!(failure.text.starts_with("step `lint`: "), "{failure}");
    }

    #[test]
    fn output_is_kept_also_when_the_program_fails() {
        let (kept, result) = run_and_keep(&mut shell("echo a; echo b; exit 3")).unwrap();
        assert_eq!(kept, "a\nb\n");
        assert_eq!(result.unwrap_err().code, 3);
    }

    #[test]
    fn a_program_that_is_missing_is_a_failure() {
        let failure = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(failure.text.contains("no-such-program"));
    }
}
