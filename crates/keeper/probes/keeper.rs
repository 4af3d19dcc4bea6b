//! For the tests only: a keeper process, and processes that try what a keeper must not be able to do.
//!
//! Not part of any product. Each kind of probe is named by the first argument.
//! Invariant: what a probe finds goes to standard output, one line per attempt; it decides nothing.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixListener, UnixStream},
    process::{Command, ExitCode},
};

use kanuki_keeper::{KeeperOptions, SealSource, harden, run};
use nix::{sys::signal::Signal, unistd::Pid};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["keeper", kind, path] => keeper(kind, path),
        ["hardened"] => hardened(true),
        ["without-files"] => hardened(false),
        ["victim", protect] => victim(*protect == "protected"),
        ["reader", pid] => reader(pid),
        _ => Err("unknown probe".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            ExitCode::FAILURE
        }
    }
}

/// A real keeper on standard input.
fn keeper(kind: &str, path: &str) -> Result<(), String> {
    let seal = match kind {
        "key-file" => SealSource::KeyFile(path.into()),
        _ => SealSource::Passphrase(path.into()),
    };
    run(KeeperOptions { seal, create_seal_key: true, insecure_fixed_material: false }).map_err(|e| e.to_string())
}

/// Gives everything up, or only files and network, and tries what must be refused.
fn hardened(system_calls: bool) -> Result<(), String> {
    let inherited = File::open("/dev/zero").map_err(|e| e.to_string())?;
    let mut report = harden::protect_memory().map_err(|e| e.to_string())?;
    attempt("inherited", nix::unistd::read(&inherited, &mut [0]).map_err(io::Error::from));
    report.append(harden::restrict_files_and_network());
    if system_calls {
        report.append(harden::filter_system_calls().map_err(|e| e.to_string())?);
    }
    for (protection, reason) in report.missing() {
        say(&format!("missing {} {reason}", protection.as_str()));
    }
    attempt("read-file", File::open("/etc/passwd"));
    attempt("write-file", OpenOptions::new().write(true).create(true).truncate(true).open("/tmp/keeper-probe"));
    attempt("list-folder", std::fs::read_dir("/"));
    attempt("own-memory", File::open("/proc/self/mem"));
    attempt("tcp-connect", TcpStream::connect("127.0.0.1:9"));
    attempt("tcp-listen", TcpListener::bind("127.0.0.1:0"));
    if system_calls {
        attempt("udp", UdpSocket::bind("127.0.0.1:0"));
        attempt("unix-connect", UnixStream::connect("/run/keeper-probe"));
        attempt("unix-listen", UnixListener::bind("/tmp/keeper-probe.sock"));
        attempt("socket-pair", UnixStream::pair());
        attempt("thread", std::thread::Builder::new().spawn(|| ()));
        attempt("signal-parent", nix::sys::signal::kill(Pid::parent(), None::<Signal>).map_err(io::Error::from));
        attempt("set-dumpable", nix::sys::prctl::set_dumpable(true).map_err(io::Error::from));
    }
    attempt("program", Command::new("/bin/true").status());
    attempt("memory", Ok(vec![1u8; 100 << 20].len()));
    attempt("standard-input", io::stdin().read(&mut [0]));
    // Dropping would close a descriptor that is closed already.
    #[expect(clippy::mem_forget, reason = "the descriptor was closed by the hardening under test")]
    std::mem::forget(inherited);
    Ok(())
}

/// Waits with a secret in its memory until standard input is closed.
fn victim(protect: bool) -> Result<(), String> {
    if protect {
        harden::protect_memory().map_err(|e| e.to_string())?;
    }
    say("ready");
    io::stdin().read_to_end(&mut Vec::new()).map(drop).map_err(|e| e.to_string())
}

/// Tries to get at the memory of another process of the same user.
fn reader(pid: &str) -> Result<(), String> {
    attempt("memory", File::open(format!("/proc/{pid}/mem")));
    attempt("maps", File::open(format!("/proc/{pid}/maps")).and_then(|mut file| file.read_to_end(&mut Vec::new())));
    attempt("environment", File::open(format!("/proc/{pid}/environ")));
    Ok(())
}

fn attempt<T>(what: &str, result: io::Result<T>) {
    match result {
        Ok(_) => say(&format!("{what} allowed")),
        Err(error) => say(&format!("{what} refused {}", error.raw_os_error().unwrap_or_default())),
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
