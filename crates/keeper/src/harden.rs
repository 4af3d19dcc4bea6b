//! What the keeper gives up before it serves, in three steps: memory, files and network, system calls.
//!
//! Not portable: Linux only. Not a defence against root on the same machine, who can do anything to any process.
//! Invariants: each protection is in force, or is reported as missing with its reason, or the keeper does not start
//! (tracing, core dumps, new privileges, death signal, system calls). Call these before any thread is started:
//! Landlock holds for the calling thread and those that it starts later.

mod memory;
mod rights;

use std::{fmt, io};

pub use memory::{MEMORY_LOCK_BYTES_MIN, protect_memory};
pub use rights::{filter_system_calls, restrict_files_and_network};

/// One thing that the keeper gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// No core dump is ever written.
    CoreDumps,
    /// The keeper dies with the thread that started it.
    DeathSignal,
    /// No descriptor is open beside standard input, output and error.
    Descriptors,
    /// No path can be opened, no TCP port bound or connected (Landlock).
    FilesAndNetwork,
    /// No page goes to the swap space.
    MemoryLock,
    /// No program started from here gains privileges.
    NewPrivileges,
    /// All system calls but a short list are refused (seccomp).
    SystemCalls,
    /// No other process of the same user can trace this one or read its memory.
    Tracing,
}

impl Protection {
    /// The name in the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CoreDumps => "core_dumps",
            Self::DeathSignal => "death_signal",
            Self::Descriptors => "descriptors",
            Self::FilesAndNetwork => "files_and_network",
            Self::MemoryLock => "memory_lock",
            Self::NewPrivileges => "new_privileges",
            Self::SystemCalls => "system_calls",
            Self::Tracing => "tracing",
        }
    }
}

/// What is in force and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HardenReport(Vec<(Protection, Option<String>)>);

impl HardenReport {
    /// Whether a protection is wholly in force.
    #[must_use]
    pub fn is_in_force(&self, protection: Protection) -> bool {
        self.0.iter().any(|(p, missing)| *p == protection && missing.is_none())
    }

    /// The protections that are not wholly in force, with the reason.
    pub fn missing(&self) -> impl Iterator<Item = (Protection, &str)> {
        self.0.iter().filter_map(|(protection, missing)| Some((*protection, missing.as_deref()?)))
    }

    /// Adds another step's report.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    fn in_force(&mut self, protection: Protection) {
        self.0.push((protection, None));
    }

    fn degraded(&mut self, protection: Protection, reason: impl fmt::Display) {
        self.0.push((protection, Some(reason.to_string())));
    }
}

/// One line per protection, in the key-value form of the log.
impl fmt::Display for HardenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (protection, missing) in &self.0 {
            let name = protection.as_str();
            match missing {
                None => writeln!(f, "level=info source=keeper protection={name} in_force=true")?,
                Some(reason) => {
                    writeln!(f, "level=warn source=keeper protection={name} in_force=false reason={reason:?}")?;
                }
            }
        }
        Ok(())
    }
}

/// A protection without which the keeper does not start.
#[derive(Debug)]
pub struct HardenError {
    protection: Protection,
    source: io::Error,
}

impl HardenError {
    fn new(protection: Protection, source: impl Into<io::Error>) -> Self {
        Self { protection, source: source.into() }
    }
}

impl fmt::Display for HardenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "protection `{}` is refused by the system: {}", self.protection.as_str(), self.source)
    }
}

impl std::error::Error for HardenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_says_what_is_missing() {
        let mut report = HardenReport::default();
        report.in_force(Protection::Tracing);
        report.degraded(Protection::MemoryLock, "limit is \"8\" bytes\n");
        assert!(report.is_in_force(Protection::Tracing));
        assert!(!report.is_in_force(Protection::MemoryLock));
        assert!(!report.is_in_force(Protection::SystemCalls));
        let lines: Vec<_> = report.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "level=info source=keeper protection=tracing in_force=true");
        assert!(lines[1].ends_with(r#"protection=memory_lock in_force=false reason="limit is \"8\" bytes\n""#));
        assert_eq!(lines.len(), 2);
    }
}
