//! The order of the measurement: for each operation a fresh server and its ceiling, driven in turn, round by round.
//!
//! Not here: the words of the report. Invariants: one wrong answer fails the run; rounds in which other processes took
//! more than [`OTHERS_SHARE_MAX`] of the machine are measured again, a bounded number of times, and the report says when
//! that did not help.

mod drive;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    args::Arguments,
    cpu::{CpuClock, Placement, online_cores, used_by_others},
    disk,
    failure::Failure,
    http_client::Connection,
    kms::Kms,
    report::{Cell, Machine, Report},
    server_process::{BareProcess, ServerProcess, beside_this_program},
    workload::{Operation, Workload},
};

use drive::Load;
pub(crate) use drive::Round;

/// Measures everything that the arguments ask for. `tell` shows progress.
///
/// # Errors
/// If a server does not run, or if an answer was wrong.
pub(crate) async fn measure(
    arguments: &Arguments,
    placement: &Placement,
    clock: fn() -> i64,
    tell: fn(&str),
) -> Result<Report, Failure> {
    let program = match &arguments.server {
        Some(path) => path.canonicalize().map_err(|error| Failure::from(error).during(path.display()))?,
        None => beside_this_program()?,
    };
    let scratch = match (&arguments.scratch, program.parent()) {
        (Some(directory), _) => directory.clone(),
        (None, Some(directory)) => directory.to_owned(),
        (None, None) => return Err(Failure::new("no directory for throw-away data")),
    };
    let machine = Machine::look(&program, &scratch, placement)?;
    tell(&machine.head());
    let mut cells = Vec::new();
    for operation in &arguments.operations {
        let bench = Bench::start(*operation, &program, &scratch, placement, clock).await;
        let mut bench = bench.map_err(|failure| failure.during(operation.name()))?;
        for connections in &arguments.connections {
            let cell = bench.cell(arguments, usize::from(*connections), tell).await;
            cells.push(
                cell.map_err(|failure| failure.during(format!("{} over {connections} connections", operation.name())))?,
            );
        }
    }
    Ok(Report { machine, rounds: arguments.rounds(), round: arguments.round(), cells })
}

/// A server, its ceiling, and the calls of one operation.
struct Bench {
    workload: Arc<Workload>,
    kms: Kms,
    server: ServerProcess,
    placement: Placement,
    /// The file with the answer that the bare server gives.
    answer: PathBuf,
    /// The body of that answer.
    fixed: Arc<[u8]>,
}

impl Bench {
    async fn start(
        operation: Operation,
        program: &Path,
        scratch: &Path,
        placement: &Placement,
        clock: fn() -> i64,
    ) -> Result<Self, Failure> {
        let server = ServerProcess::start(program, scratch, placement).await?;
        let mut kms = Kms::new(server.address, server.credentials.clone(), clock);
        let mut connection = Connection::open(server.address).await?;
        let key = kms.call(&mut connection, "CreateKey", &json!({})).await?;
        let arn = key
            .pointer("/KeyMetadata/Arn")
            .and_then(Value::as_str)
            .ok_or_else(|| Failure::new("the new key has no ARN"))?;
        let workload = Workload::prepare(operation, arn.into(), &mut kms, &mut connection).await?;
        let first = workload.sign(&mut kms)?.into_iter().next().unwrap_or_default();
        let real = connection.exchange(&first).await?;
        workload.verify(0, real)?;
        let answer = server.directory().join("answer");
        fs::write(&answer, [real.head, real.body].concat())?;
        let fixed = real.body.into();
        let (workload, placement) = (Arc::new(workload), placement.clone());
        Ok(Self { workload, kms, server, placement, answer, fixed })
    }

    /// All rounds with a number of connections.
    async fn cell(&mut self, arguments: &Arguments, connections: usize, tell: fn(&str)) -> Result<Cell, Failure> {
        let operation = self.workload.operation();
        let mut cell = Cell::new(operation, connections);
        for number in 1..=arguments.rounds() {
            let (bare, bare_repeats) = self.quiet_round(Which::Bare, connections, arguments.round()).await?;
            let (real, real_repeats) = self.quiet_round(Which::Real, connections, arguments.round()).await?;
            tell(&format!(
                "{} over {connections}, round {number} of {}: bare {:.1} µs of CPU a request, server {:.1}{}",
                operation.name(),
                arguments.rounds(),
                bare.cpu_micros_per_answer(),
                real.cpu_micros_per_answer(),
                match bare_repeats + real_repeats {
                    0 => String::new(),
                    repeats => format!(" ({repeats} disturbed rounds discarded)"),
                }
            ));
            cell.discarded += bare_repeats + real_repeats;
            cell.disturbed += usize::from(!bare.is_quiet()) + usize::from(!real.is_quiet());
            cell.bare.push(bare);
            cell.server.push(real);
        }
        Ok(cell)
    }

    /// A round in which others took little; after some attempts the quietest of them. Answers also how many were
    /// discarded.
    async fn quiet_round(
        &mut self,
        which: Which,
        connections: usize,
        length: Duration,
    ) -> Result<(Round, usize), Failure> {
        let mut best = self.round(which, connections, length).await?;
        for repeats in 0..REPEATS_MAX {
            if best.is_quiet() {
                return Ok((best, repeats));
            }
            tokio::time::sleep(PAUSE).await;
            let next = self.round(which, connections, length).await?;
            if next.others_share < best.others_share {
                best = next;
            }
        }
        Ok((best, REPEATS_MAX))
    }

    async fn round(&mut self, which: Which, connections: usize, length: Duration) -> Result<Round, Failure> {
        // A fresh one each time: how fast it is depends a little on luck at its start, and the median takes that out.
        let bare = match which {
            Which::Bare => Some(BareProcess::start(&self.answer, &self.placement)?),
            Which::Real => None,
        };
        let mut own: HashSet<u32> = self.server.pids.iter().copied().collect();
        own.insert(std::process::id());
        let (address, clocks, fixed) = match &bare {
            Some(bare) => {
                own.insert(bare.pid);
                (bare.address, vec![CpuClock::of(bare.pid)?], Some(Arc::clone(&self.fixed)))
            }
            None => (self.server.address, self.server.clocks()?, None),
        };
        let requests = self.workload.sign(&mut self.kms)?;
        let load = Arc::new(Load::new(Arc::clone(&self.workload), requests, fixed));
        let others = used_by_others(&own)?;
        let begin = Instant::now();
        let (mut round, samples) = drive::round(&load, address, connections, &clocks, length).await?;
        let others = used_by_others(&own)?.saturating_sub(others);
        round.others_share = others.as_secs_f64() / (begin.elapsed().as_secs_f64() * online_cores() as f64);
        let mut connection = Connection::open(self.server.address).await?;
        for (number, body) in samples {
            self.workload.check_sample(number, &body, &mut self.kms, &mut connection).await?;
        }
        Ok(round)
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Bare,
    Real,
}

impl Machine {
    fn look(program: &Path, scratch: &Path, placement: &Placement) -> Result<Self, Failure> {
        let (file_system, lasting) = disk::file_system(scratch).map_err(|failure| failure.during(scratch.display()))?;
        Ok(Self {
            processor: crate::cpu::machine(),
            placement: placement.describe(),
            program: program.display().to_string(),
            profile: profile(program),
            file_system,
            lasting,
            flush_micros: disk::flush_micros(scratch)?,
        })
    }
}

/// The build profile is the name of the folder that Cargo puts a binary into.
fn profile(program: &Path) -> String {
    let folder = program.parent().and_then(|folder| folder.file_name()).map(|name| name.to_string_lossy().into_owned());
    match folder.as_deref() {
        Some("debug") => "debug build, which nobody should quote".into(),
        Some("release") => "release build".into(),
        _ => "build profile unknown".into(),
    }
}

/// Most of the machine that other processes may take in a round that counts.
pub(crate) const OTHERS_SHARE_MAX: f64 = 0.1;
/// How often a disturbed round is measured again.
const REPEATS_MAX: usize = 3;
/// What disturbs may have ended after it.
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_told_by_the_folder() {
        assert_eq!(profile("/t/release/kanuki".as_ref()), "release build");
        assert!(profile("/t/debug/kanuki".as_ref()).starts_with("debug"));
        assert_eq!(profile("/usr/bin/kanuki".as_ref()), "build profile unknown");
    }
}
