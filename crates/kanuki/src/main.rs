//! The binary: command line, configuration, wiring and supervision.
//!
//! Not here: any rule of the API. Only this file touches the real clock, the real randomness and the environment.

mod cli;
mod error;
mod config;
mod data_dir;
mod sealer;
mod supervise;
mod serve;
mod env;
mod trail_command;
mod pkcs11_helper;
mod operator_command;

use std::{
    io::{self, StdoutLock, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::SystemTime,
};

use clap::Parser as _;
use kanuki_keeper::{KeeperOptions, SealSource};
use kanuki_types::{Clock, Random, Timestamp};
use mimalloc::MiMalloc;
use rand::Rng as _;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command, DataDir, DoorArgs, KeeperArgs, LintArgs, LogFormat, ServeArgs, TrailCommand},
    config::Config,
    data_dir::DataDirectory,
    error::CommandError,
    serve::Environment,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve(&args),
        Command::Env(args) => {
            data_dir(&args.data_dir).and_then(|data| env::exports(&data, &args.profile)).map(|exports| {
                print(&exports);
                ExitCode::SUCCESS
            })
        }
        Command::Trail(command) => trail(&command),
        Command::Accounts(args) => {
            door(&args.door, |data, json, out| operator_command::accounts(data, &args.command, json, out))
        }
        Command::Access(args) => {
            door(&args.door, |data, json, out| operator_command::access(data, &args.key, json, out))
        }
        Command::Lint(args) => lint(&args),
        Command::Explain(args) => door(&args.door, |data, json, out| operator_command::explain(data, &args, json, out)),
        Command::Keeper(args) => keeper(args),
        Command::Pkcs11Helper(args) => {
            pkcs11_helper::serve(&args.module, &args.token_label).map(|()| ExitCode::SUCCESS)
        }
        Command::Operations => Ok(operations()),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("kanuki: {error}"));
        ExitCode::FAILURE
    })
}

fn serve(args: &ServeArgs) -> Result<ExitCode, CommandError> {
    let config = Config::read(args, default_data_dir())?;
    if args.check_config {
        print("the configuration is right");
        return Ok(ExitCode::SUCCESS);
    }
    start_log(config.log_format);
    let environment = Environment {
        program: std::env::current_exe().map_err(CommandError::from_error)?,
        wall_clock: Arc::new(SystemClock),
        random: Arc::new(ThreadRandom),
        print,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::from_error)?;
    runtime.block_on(serve::serve(config, environment))?;
    Ok(ExitCode::SUCCESS)
}

fn trail(command: &TrailCommand) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    match command {
        TrailCommand::Verify { data_dir: data } => {
            let whole = trail_command::verify_trail(&data_dir(data)?, &mut out)?;
            Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        TrailCommand::Tail { data_dir: data, lines, follow } => {
            trail_command::tail(&data_dir(data)?, *lines, *follow, &mut out)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn keeper(args: KeeperArgs) -> Result<ExitCode, CommandError> {
    let seal = match (args.key_file, args.passphrase_file) {
        (Some(path), _) => SealSource::KeyFile(path),
        (None, Some(path)) => SealSource::Passphrase(path),
        (None, None) => return Err(CommandError::new("no seal")),
    };
    let options = KeeperOptions {
        seal,
        create_seal_key: args.create_seal_key,
        insecure_fixed_material: args.insecure_fixed_material,
    };
    kanuki_keeper::run(options).map_err(CommandError::from_error)?;
    Ok(ExitCode::SUCCESS)
}

fn operations() -> ExitCode {
    let operations: Vec<_> = kanuki_server::operations::descriptors()
        .map(|operation| {
            serde_json::json!({
                "service": operation.service.name(),
                "name": operation.name,
                "action": format!("{}:{}", operation.service.name(), operation.name),
                "implemented": true,
            })
        })
        .collect();
    print(&serde_json::Value::from(operations).to_string());
    ExitCode::SUCCESS
}

/// Looks through a file without a server, through a key's policy with one. What should not be is a failure.
fn lint(args: &LintArgs) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    let json = args.door.json;
    let clean = match operator_command::lint_file(args, json, &mut out)? {
        Some(clean) => clean,
        None => operator_command::lint_key(&existing(args.door.data_dir.as_ref())?, &args.what, json, &mut out)?,
    };
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks the running server of a data directory.
fn door(
    args: &DoorArgs,
    ask: impl FnOnce(&DataDirectory, bool, &mut StdoutLock<'static>) -> Result<(), CommandError>,
) -> Result<ExitCode, CommandError> {
    let data = existing(args.data_dir.as_ref())?;
    ask(&data, args.json, &mut io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn data_dir(args: &DataDir) -> Result<DataDirectory, CommandError> {
    existing(args.data_dir.as_ref())
}

fn existing(path: Option<&PathBuf>) -> Result<DataDirectory, CommandError> {
    let path = path.cloned().or_else(default_data_dir);
    path.map(DataDirectory::existing).ok_or_else(|| CommandError::new("no data directory: set --data-dir or HOME"))
}

/// Rule: XDG Base Directory Specification.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and handed on")]
fn default_data_dir() -> Option<PathBuf> {
    let xdg = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = xdg.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")));
    base.map(|base| base.join("kanuki"))
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("KANUKI_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
    }
}

/// A reader that went away (a closed pipe) is no reason to stop serving.
fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The time of the world.
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A generator per thread, seeded by the operating system.
struct ThreadRandom;

impl Random for ThreadRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}
