//! The first step: nobody else sees the memory of this process. It comes before the seal secret is read.
//!
//! Not here: what the process may do (`rights.rs`).
//! Invariant: memory is locked only if the limit leaves room for what an allocator reserves; a lock that makes
//! later allocations fail would be worse than none.

use std::os::fd::RawFd;

use nix::{
    libc,
    sys::{
        mman::{MlockAllFlags, mlockall},
        prctl,
        resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
        signal::Signal,
    },
    unistd::close,
};

use super::{HardenError, HardenReport, Protection};

/// Memory is locked if the limit (`RLIMIT_MEMLOCK`, `LimitMEMLOCK=`) is at least this many bytes.
///
/// The limit counts address space, of which an allocator reserves a gibibyte at once, not the few pages that are used.
pub const MEMORY_LOCK_BYTES_MIN: u64 = 2 << 30;

/// Closes inherited descriptors, switches off tracing, core dumps, new privileges and outliving the parent, and locks
/// the memory.
///
/// # Errors
/// If one of these is refused, but for the locking of memory and the closing of descriptors; those are reported.
pub fn protect_memory() -> Result<HardenReport, HardenError> {
    let mut report = HardenReport::default();
    let required = |protection, done: nix::Result<()>| done.map_err(|error| HardenError::new(protection, error));
    match close_descriptors() {
        Ok(()) => report.in_force(Protection::Descriptors),
        Err(error) => report.degraded(Protection::Descriptors, error),
    }
    required(Protection::Tracing, prctl::set_dumpable(false))?;
    report.in_force(Protection::Tracing);
    required(Protection::NewPrivileges, prctl::set_no_new_privs())?;
    report.in_force(Protection::NewPrivileges);
    required(Protection::CoreDumps, setrlimit(Resource::RLIMIT_CORE, 0, 0))?;
    report.in_force(Protection::CoreDumps);
    // If the parent is already dead, its end of the socket is closed, and that ends the keeper too.
    required(Protection::DeathSignal, prctl::set_pdeathsig(Signal::SIGKILL))?;
    report.in_force(Protection::DeathSignal);
    match lock_memory() {
        Ok(()) => report.in_force(Protection::MemoryLock),
        Err(reason) => report.degraded(Protection::MemoryLock, reason),
    }
    Ok(report)
}

/// Closes everything but standard input, output and error.
fn close_descriptors() -> std::io::Result<()> {
    let mut descriptors = Vec::new();
    for entry in std::fs::read_dir(DESCRIPTORS)? {
        descriptors.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for descriptor in descriptors.into_iter().filter(|descriptor| *descriptor > STANDARD_ERROR) {
        // The folder's own descriptor is in the list and already closed.
        let _ = close(descriptor);
    }
    Ok(())
}

fn lock_memory() -> Result<(), String> {
    // Privileged processes may lift the limit; others may use all of the hard one.
    if setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_err()
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_MEMLOCK)
    {
        // Refused: the soft limit stays as it is, and the check below says so.
        let _ = setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard);
    }
    let (limit, _) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(|error| error.to_string())?;
    if limit < MEMORY_LOCK_BYTES_MIN && !may_lock_without_limit() {
        return Err(format!(
            "the limit of locked memory is {limit} bytes and {MEMORY_LOCK_BYTES_MIN} are needed, or the capability \
             IPC_LOCK; without them encrypt the swap space or switch it off"
        ));
    }
    // Pages are locked when they are first touched: an allocator reserves far more than it ever uses.
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault).map_err(|error| error.to_string())
}

/// Whether the process has the capability that lifts the limit; containers are often given it alone.
fn may_lock_without_limit() -> bool {
    std::fs::read_to_string(STATUS).is_ok_and(|status| effective_capabilities(&status) & CAP_IPC_LOCK != 0)
}

fn effective_capabilities(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
}

const DESCRIPTORS: &str = "/proc/self/fd";
const STANDARD_ERROR: RawFd = 2;
const STATUS: &str = "/proc/self/status";
/// Bit 14 of the capability sets (capability.h).
const CAP_IPC_LOCK: u64 = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_effective_capabilities() {
        assert_eq!(effective_capabilities("CapPrm:\tffff\nCapEff:\t0000000000004000\n"), CAP_IPC_LOCK);
        assert_eq!(effective_capabilities("CapPrm:\tffff\n"), 0);
        assert_eq!(effective_capabilities("CapEff:\tx\n"), 0);
    }
}
