//! The processor: who runs where, and who used how much of it, by the kernel's own accounting.
//!
//! Not the clock on the wall. Invariant: what others used is never counted for a measured process, nor the other way
//! round.

use std::{collections::HashSet, fs, time::Duration};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_getcpuclockid},
    unistd::{Pid, SysconfVar, sysconf},
};

use crate::failure::Failure;

/// Which cores the measured servers and the generator run on.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    server: Vec<usize>,
    generator: Vec<usize>,
}

impl Placement {
    /// The first core that this process may use is the servers', the others are the generator's. One core is shared.
    pub(crate) fn of_this_process() -> Result<Self, Failure> {
        let set = sched_getaffinity(Pid::from_raw(0))?;
        let all: Vec<usize> = (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).collect();
        Ok(match all.split_first() {
            Some((first, rest)) if !rest.is_empty() => Self { server: vec![*first], generator: rest.into() },
            _ => Self { server: all.clone(), generator: all },
        })
    }

    /// Whether servers and generator have cores of their own.
    pub(crate) fn is_apart(&self) -> bool {
        self.server != self.generator
    }

    /// How many cores the generator may use.
    pub(crate) fn generator_cores(&self) -> usize {
        self.generator.len()
    }

    /// Binds the calling thread, and what it starts, to the generator's cores.
    pub(crate) fn pin_generator(&self) -> Result<(), Failure> {
        pin(&self.generator)
    }

    /// Binds the calling thread, and what it starts, to the servers' core.
    pub(crate) fn pin_server(&self) -> Result<(), Failure> {
        pin(&self.server)
    }

    /// For the head of the report.
    pub(crate) fn describe(&self) -> String {
        if self.is_apart() {
            format!("servers on core {}, generator on {}", list(&self.server), list(&self.generator))
        } else {
            "servers and generator share one core: figures of the wall clock mean little".into()
        }
    }
}

fn pin(cores: &[usize]) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(|error| Failure::from(error).during("cores cannot be chosen"))
}

fn list(cores: &[usize]) -> String {
    match cores {
        [first, .., last] if cores.len() > 2 => format!("{first} to {last}"),
        _ => cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The CPU clock of a process: what all of its threads have used, those that have ended included, in nanoseconds. Unlike
/// the files under `/proc/<pid>` it needs no right to look into the process, and it does not count in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuClock(ClockId);

impl CpuClock {
    /// The clock of a process.
    pub(crate) fn of(pid: u32) -> Result<Self, Failure> {
        Ok(Self(clock_getcpuclockid(raw(pid)?)?))
    }

    /// What it shows.
    pub(crate) fn now(self) -> Result<Duration, Failure> {
        self.0.now().map(Duration::from).map_err(|error| Failure::from(error).during("a measured process has ended"))
    }
}

/// A process id as the system takes it.
pub(crate) fn raw(pid: u32) -> Result<Pid, Failure> {
    i32::try_from(pid).map(Pid::from_raw).map_err(|_| Failure::new(format!("no process has the id {pid}")))
}

/// What all other processes have used up to now, together with what other machines on the same hardware took.
///
/// Kernel threads are left out: most of what they do here is the measured server's writing. The time of a process that
/// has ended stands with its parent, so the sum never falls.
pub(crate) fn used_by_others(own: &HashSet<u32>) -> Result<Duration, Failure> {
    let used: u64 = processes()?.map(|(pid, stat)| ticks_of_other(pid, &stat, own)).sum();
    let ticks = used.saturating_add(steal_ticks(&fs::read_to_string("/proc/stat")?));
    let per_second = sysconf(SysconfVar::CLK_TCK)?.and_then(|ticks| u64::try_from(ticks).ok()).unwrap_or(100);
    Ok(Duration::from_millis(ticks.saturating_mul(1000) / per_second.max(1)))
}

/// The children of a process.
pub(crate) fn children(parent: u32) -> Result<Vec<u32>, Failure> {
    Ok(processes()?.filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| pid).collect())
}

/// Every process with what the kernel tells of it; one that ends meanwhile is left out.
fn processes() -> Result<impl Iterator<Item = (u32, ProcessStat)>, Failure> {
    Ok(fs::read_dir("/proc")?.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        Some((pid, ProcessStat::parse(&stat)?))
    }))
}

fn ticks_of_other(pid: u32, stat: &ProcessStat, own: &HashSet<u32>) -> u64 {
    let kernel = pid == KERNEL_THREADS || stat.parent == KERNEL_THREADS;
    if kernel || own.contains(&pid) { 0 } else { stat.ticks }
}

/// What `/proc/<pid>/stat` tells.
#[derive(Debug, PartialEq, Eq)]
struct ProcessStat {
    parent: u32,
    /// User and system time of the process and of its children that have ended.
    ticks: u64,
}

impl ProcessStat {
    /// Rule: `proc_pid_stat(5)`. The name in brackets may hold blanks and brackets itself.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks })
    }
}

/// What the hypervisor gave to others: the eighth figure of the first line of `/proc/stat`.
fn steal_ticks(stat: &str) -> u64 {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    line.and_then(|line| line.split_ascii_whitespace().nth(7)).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// The machine in a few words: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(':').map(|(_, name)| name.trim().to_owned())
    });
    let cores = online_cores();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} core{}, Linux {}",
        model.as_deref().unwrap_or(std::env::consts::ARCH),
        if cores == 1 { "" } else { "s" },
        kernel.trim()
    )
}

/// How many cores the machine has.
pub(crate) fn online_cores() -> usize {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_core =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    stat.lines().filter(is_core).count().max(1)
}

/// The process whose children are the kernel's threads.
const KERNEL_THREADS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_accounting_of_a_process_with_a_strange_name() {
        let line = "7 (a) b) S 3 7 7 0 -1 4194304 100 0 0 0 11 12 13 14 20 0 1 0 99";
        assert_eq!(ProcessStat::parse(line), Some(ProcessStat { parent: 3, ticks: 50 }));
        assert_eq!(ProcessStat::parse("7 (a) S 3"), None);
    }

    #[test]
    fn reads_what_was_stolen() {
        assert_eq!(steal_ticks("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n"), 8);
    }

    #[test]
    fn the_clock_of_a_process_counts_its_work() {
        let clock = CpuClock::of(std::process::id()).unwrap();
        let before = clock.now().unwrap();
        let mut sum = 0_u64;
        for n in 0..5_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(n));
        }
        assert!(clock.now().unwrap() > before + Duration::from_micros(500), "{sum}");
    }

    #[test]
    fn others_are_neither_the_own_nor_the_kernel() {
        let own = HashSet::from([7]);
        let stat = |parent| ProcessStat { parent, ticks: 50 };
        assert_eq!(ticks_of_other(8, &stat(1), &own), 50);
        assert_eq!(ticks_of_other(7, &stat(1), &own), 0);
        assert_eq!(ticks_of_other(9, &stat(KERNEL_THREADS), &own), 0);
        assert!(used_by_others(&HashSet::new()).unwrap() > Duration::ZERO);
    }

    #[test]
    fn finds_the_children_of_a_process() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        assert!(children(std::process::id()).unwrap().contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn servers_and_generator_share_no_core_when_there_are_two() {
        let placement = Placement::of_this_process().unwrap();
        assert_eq!(placement.is_apart(), placement.server.iter().all(|core| !placement.generator.contains(core)));
        assert_eq!(list(&[1, 2, 3]), "1 to 3");
        assert_eq!(list(&[1, 2]), "1, 2");
    }
}
