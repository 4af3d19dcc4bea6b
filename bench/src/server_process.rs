//! Starts what is measured, each in a process of its own, and ends it.
//!
//! Not here: load. Invariants: a started process never outlives its value; the real server works on a throw-away data
//! directory and gets nothing from this process's environment.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

use crate::{
    cpu::{CpuClock, Placement, children, raw},
    failure::Failure,
    sigv4::Credentials,
};

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The process itself, then the ones that it started.
    pub(crate) pids: Vec<u32>,
    /// Whoever may do everything.
    pub(crate) credentials: Credentials,
    // The process ends before its directory goes.
    _process: Ended,
    directory: TempDir,
}

impl ServerProcess {
    /// Starts a real server on an empty data directory below `scratch`.
    ///
    /// # Errors
    /// If it does not come up in time; its last words are in the failure.
    pub(crate) async fn start(program: &Path, scratch: &Path, placement: &Placement) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("kanuki-bench-").tempdir_in(scratch);
        let directory = directory.map_err(|error| Failure::from(error).during(scratch.display()))?;
        let (data, log) = (directory.path().join("data"), directory.path().join("log"));
        let mut command = Command::new(program);
        command.arg("serve").arg("--data-dir").arg(&data).args(["--listen", "127.0.0.1:0"]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut process = Ended(spawn(command, placement).map_err(|failure| failure.during(program.display()))?);
        let address = wait_for_endpoint(&mut process.0, &data).await;
        let address = address.map_err(|failure| failure.during(last_words(&log)))?;
        let own = process.0.id();
        let mut pids = vec![own];
        pids.extend(children(own)?);
        let credentials = credentials(&data.join("credentials"))?;
        Ok(Self { address, pids, credentials, _process: process, directory })
    }

    /// The throw-away directory; it goes with the server.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The CPU clocks, in the order of the process ids.
    pub(crate) fn clocks(&self) -> Result<Vec<CpuClock>, Failure> {
        self.pids.iter().map(|pid| CpuClock::of(*pid)).collect()
    }
}

/// A running bare server.
#[derive(Debug)]
pub(crate) struct BareProcess {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The process.
    pub(crate) pid: u32,
    /// It ends when this is closed.
    _lifeline: Option<ChildStdin>,
    _process: Ended,
}

impl BareProcess {
    /// Starts this very program as a bare server that gives the answer in a file.
    ///
    /// # Errors
    /// If it does not say where it listens.
    pub(crate) fn start(answer: &Path, placement: &Placement) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--answer"]).arg(answer);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Ended(spawn(command, placement)?);
        let output = process.0.stdout.take().ok_or_else(|| Failure::new("the bare server has no output"))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| Failure::new("the bare server did not come up"))?;
        Ok(Self { address, pid: process.0.id(), _lifeline: process.0.stdin.take(), _process: process })
    }
}

/// Ends its process when dropped: asks first, kills when that takes too long.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let asked = raw(self.0.id()).is_ok_and(|pid| kill(pid, Signal::SIGTERM).is_ok());
        let deadline = Instant::now() + STOP_TIME_MAX;
        while asked && Instant::now() < deadline {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        // It is gone already, or nothing else helps.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child has the cores of the thread that starts it.
fn spawn(mut command: Command, placement: &Placement) -> Result<Child, Failure> {
    thread::scope(|scope| {
        let started = scope.spawn(move || {
            placement.pin_server()?;
            Ok(command.spawn()?)
        });
        started.join().unwrap_or_else(|_| Err(Failure::new("the thread that starts a process has panicked")))
    })
}

/// The server writes its endpoint into its data directory when it listens.
async fn wait_for_endpoint(child: &mut Child, data: &Path) -> Result<SocketAddr, Failure> {
    let deadline = Instant::now() + START_TIME_MAX;
    while Instant::now() < deadline {
        let endpoint = fs::read_to_string(data.join("endpoint")).unwrap_or_default();
        if let Some(address) = endpoint.trim().strip_prefix("http://").and_then(|text| text.parse().ok()) {
            return Ok(address);
        }
        if let Some(status) = child.try_wait()? {
            return Err(Failure::new(format!("the server has ended with {status}")));
        }
        tokio::time::sleep(POLL).await;
    }
    Err(Failure::new("the server did not come up in time"))
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(LAST_WORDS_LINES).collect();
    match lines.as_slice() {
        [] => "the server said nothing".into(),
        lines => lines.iter().rev().copied().collect::<Vec<_>>().join("\n"),
    }
}

fn credentials(path: &Path) -> Result<Credentials, Failure> {
    let text = fs::read_to_string(path)?;
    parse_credentials(&text).ok_or_else(|| Failure::new(format!("{} holds no credentials", path.display())))
}

/// Reads the first profile that has all three values.
fn parse_credentials(text: &str) -> Option<Credentials> {
    let value = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    Some(Credentials {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: value("aws_secret_access_key")?,
        region: value("region")?,
    })
}

/// The server beside this program.
///
/// # Errors
/// If there is none.
pub(crate) fn beside_this_program() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name("kanuki");
    if path.is_file() {
        Ok(path)
    } else {
        Err(Failure::new(format!(
            "{} is missing: build it with `cargo build --release --package kanuki`",
            path.display()
        )))
    }
}

const START_TIME_MAX: Duration = Duration::from_secs(60);
const STOP_TIME_MAX: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
const LAST_WORDS_LINES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_credentials_file() {
        let text =
            "[default]\naws_access_key_id = AKIA\naws_secret_access_key = a/b+c=\nregion = r-1\n\n[x]\nregion = r-2\n";
        let found = parse_credentials(text).unwrap();
        assert_eq!((found.access_key_id.as_str(), found.secret_access_key.as_str()), ("AKIA", "a/b+c="));
        assert_eq!(found.region, "r-1");
        assert!(!format!("{found:?}").contains("a/b+c="));
        assert!(parse_credentials("[default]\nregion = r\n").is_none());
    }

    #[test]
    fn a_dropped_process_has_ended() {
        let process = Ended(Command::new("sleep").arg("600").spawn().unwrap());
        let pid = process.0.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn the_end_of_the_log_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        fs::write(&log, (0..9).map(|n| format!("line {n}\n")).collect::<String>()).unwrap();
        assert_eq!(last_words(&directory.path().join("none")), "the server said nothing");
        assert_eq!(last_words(&log), "line 4\nline 5\nline 6\nline 7\nline 8");
    }
}
