//! What a hardened process can no longer do, and what others can no longer do to it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

const PROBE: &str = env!("CARGO_BIN_EXE_insecure-keeper-probe");
const EACCES: &str = "13";
const EPERM: &str = "1";
const EBADF: &str = "9";

/// What a probe found, by attempt.
fn attempts(kind: &str) -> Vec<(String, String)> {
    let output = Command::new(PROBE).arg(kind).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| line.split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

fn found<'a>(attempts: &'a [(String, String)], what: &str) -> &'a str {
    &attempts.iter().find(|(attempt, _)| attempt == what).unwrap_or_else(|| panic!("no attempt {what}")).1
}

#[test]
fn a_hardened_process_gets_no_file_socket_thread_or_program() {
    let attempts = attempts("hardened");
    let refused = [
        "read-file",
        "write-file",
        "list-folder",
        "own-memory",
        "tcp-connect",
        "tcp-listen",
        "udp",
        "unix-connect",
        "unix-listen",
        "socket-pair",
        "thread",
        "program",
        "signal-parent",
        "set-dumpable",
    ];
    for what in refused {
        assert_eq!(found(&attempts, what), format!("refused {EPERM}"), "{what}");
    }
    assert_eq!(found(&attempts, "inherited"), format!("refused {EBADF}"));
    for what in ["memory", "standard-input"] {
        assert_eq!(found(&attempts, what), "allowed", "{what}");
    }
}

#[test]
fn without_the_system_call_filter_files_and_ports_are_refused_all_the_same() {
    let attempts = attempts("without-files");
    if let Some((_, missing)) = attempts.iter().find(|(what, reason)| what == "missing" && reason.starts_with("files"))
    {
        // The report must say so where the kernel has no Landlock; there is nothing else to prove then.
        assert!(missing.contains("Landlock"), "{missing}");
        return;
    }
    for what in ["read-file", "write-file", "list-folder", "tcp-connect", "tcp-listen", "program"] {
        assert_eq!(found(&attempts, what), format!("refused {EACCES}"), "{what}");
    }
}

/// A command as a user who is not root: root may read every process.
fn as_a_user(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROBE);
    command.args(arguments).stdout(Stdio::piped());
    if nix::unistd::Uid::effective().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

const NOBODY: u32 = 65534;

fn victim(protection: &str) -> Child {
    let mut child = as_a_user(&["victim", protection]).stdin(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[test]
fn another_process_of_the_same_user_cannot_read_its_memory() {
    for (protection, expected) in [("protected", "refused"), ("open", "allowed")] {
        let mut victim = victim(protection);
        let reader = as_a_user(&["reader", &victim.id().to_string()]).output().unwrap();
        let text = String::from_utf8(reader.stdout).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        for line in text.lines() {
            assert!(line.contains(expected), "{protection}: {line}");
        }
        drop(victim.stdin.take());
        assert!(victim.wait().unwrap().success());
    }
}
