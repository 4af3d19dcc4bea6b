//! The load generator: measures a real server against a bare one of the same framework that answers the same bytes.
//!
//! Not here: targets. It prints what it measured; whoever reads it judges. Invariants: an answer that was not verified
//! is not counted, and one wrong answer fails the whole run; every figure stands beside the ceiling of the same run.

mod args;
mod failure;
mod cpu;
mod disk;
mod server_process;
mod bare;
mod http_client;
mod sigv4;
mod kms;
mod workload;
mod statistics;
mod rounds;
mod report;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser as _;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{
    args::{Arguments, Command},
    cpu::Placement,
    failure::Failure,
    report::Report,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Some(Command::Bare { answer }) => bare::run(answer, say),
        None => bench(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&format!("bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<(), Failure> {
    let placement = Placement::of_this_process()?;
    placement.pin_generator()?;
    let report = runtime(&placement)?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // Leaving the future ends the measured processes and removes their data.
        tokio::select! {
            report = rounds::measure(arguments, &placement, wall_seconds, tell) => report,
            _ = terminate.recv() => Err(Failure::new("told to terminate")),
            _ = interrupt.recv() => Err(Failure::new("interrupted")),
        }
    })?;
    print(&report, arguments.json);
    Ok(())
}

/// The generator is light: one thread on one core, more only where there are more cores to spare.
fn runtime(placement: &Placement) -> Result<Runtime, Failure> {
    let mut builder =
        if placement.generator_cores() > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    Ok(builder.worker_threads(placement.generator_cores().clamp(1, GENERATOR_THREADS_MAX)).enable_all().build()?)
}

fn print(report: &Report, json: bool) {
    say(&if json { report.json() } else { report.table() });
}

/// A reader that went away is no failure of the measurement.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Progress and failures.
fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Seconds since 1970; signatures carry the time.
#[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
fn wall_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Most threads of the generator.
const GENERATOR_THREADS_MAX: usize = 4;
