//! The second and third step: no files, no network, and no system call but those that serving needs.
//!
//! Not here: memory (`memory.rs`).
//! Invariants: after the second step no path opens; after the third no socket is made, no program starts, no memory
//! becomes executable, no other process is touched. What is refused gets `EPERM` and not the end of the process: a
//! library that probes for a feature must not take every key away.

use std::{collections::BTreeMap, io};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus,
    Scope,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Compare, SeccompCondition as Condition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::{HardenError, HardenReport, Protection};

/// Gives up every path, TCP port, abstract socket and signal to others. Reported as missing where the kernel lacks it.
#[must_use]
pub fn restrict_files_and_network() -> HardenReport {
    let mut report = HardenReport::default();
    match landlock() {
        Ok(RestrictionStatus { ruleset: RulesetStatus::FullyEnforced, .. }) => {
            report.in_force(Protection::FilesAndNetwork);
        }
        Ok(RestrictionStatus { ruleset: RulesetStatus::PartiallyEnforced, .. }) => {
            report.degraded(Protection::FilesAndNetwork, "the kernel's Landlock is older and knows only a part of it");
        }
        Ok(_) => report.degraded(Protection::FilesAndNetwork, "the kernel has no Landlock"),
        Err(error) => report.degraded(Protection::FilesAndNetwork, error),
    }
    report
}

/// Gives up every system call that serving does not need.
///
/// # Errors
/// If the kernel refuses the filter.
pub fn filter_system_calls() -> Result<HardenReport, HardenError> {
    let fail = |error: io::Error| HardenError::new(Protection::SystemCalls, error);
    let program = filter().map_err(io::Error::other).map_err(fail)?;
    apply_filter_all_threads(&program).map_err(io::Error::other).map_err(fail)?;
    let mut report = HardenReport::default();
    report.in_force(Protection::SystemCalls);
    Ok(report)
}

fn landlock() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK_ABI))?
        .handle_access(AccessNet::from_all(LANDLOCK_ABI))?
        .scope(Scope::from_all(LANDLOCK_ABI))?
        .create()?
        .restrict_self()
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    // Memory may come and go, but never become code.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
        rules.insert(call, only_if(PROTECTION_ARGUMENT, Compare::MaskedEq(executable), 0)?);
    }
    // On the connected socket only: no address.
    rules.insert(libc::SYS_sendto, only_if(ADDRESS_ARGUMENT, Compare::Eq, 0)?);
    // An abort raises a signal in its own process.
    rules.insert(libc::SYS_tgkill, only_if(0, Compare::Eq, u64::from(std::process::id()))?);
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?.try_into()
}

fn only_if(argument: u8, compare: Compare, value: u64) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    Ok(vec![SeccompRule::new(vec![Condition::new(argument, Length::Qword, compare, value)?])?])
}

/// File rights up to truncation and device control, TCP, and the scopes of signals and abstract sockets.
const LANDLOCK_ABI: ABI = ABI::V6;
/// `prot` of `mmap` and `mprotect`.
const PROTECTION_ARGUMENT: u8 = 2;
/// `dest_addr` of `sendto`.
const ADDRESS_ARGUMENT: u8 = 4;
/// What serving needs whatever the arguments are: the open descriptors, memory, time, randomness, the end.
const ALWAYS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];
