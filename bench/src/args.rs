//! The command line.
//!
//! Invariant: every number is bounded, so that no run outgrows the machine it measures.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::workload::Operation;

/// Measures a Kanuki server against a bare server of the same HTTP framework that answers the same bytes.
///
/// Both run in processes of their own and are driven in turn with the same signed requests. Every figure is a median of
/// several rounds and stands beside the bare server's of the same run. Exits with 1 if any answer was wrong.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The server to measure [default: `kanuki` beside this program]
    #[arg(long, env = "KANUKI_BIN", value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Directory for throw-away data; on a disk, as the server's flushes are part of what is measured [default: the
    /// server's own]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Operation::ALL)]
    pub(crate) operations: Vec<Operation>,
    /// Keep-alive connections, each with one request under way
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 64],
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) connections: Vec<u16>,
    /// Rounds for each server, of which the median counts [default: 5; 3 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: Option<u16>,
    /// Length of a round [default: 3000; 500 with --quick]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(100..=60_000))]
    round_millis: Option<u32>,
    /// Short rounds and few of them: to see that it works, not to quote
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Other things that this program is.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The bare server.
    #[command(hide = true)]
    Bare {
        /// File with the whole answer, as it came from the real server
        #[arg(long)]
        answer: PathBuf,
    },
}

impl Arguments {
    /// How many rounds count.
    pub(crate) fn rounds(&self) -> usize {
        usize::from(self.rounds.unwrap_or(if self.quick { 3 } else { 5 }))
    }

    /// How long a round is measured.
    pub(crate) fn round(&self) -> Duration {
        Duration::from_millis(self.round_millis.unwrap_or(if self.quick { 500 } else { 3000 }).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_documented_ones() {
        let read = |line: &str| Arguments::parse_from(line.split(' '));
        let plain = read("bench");
        assert_eq!(
            (plain.connections.as_slice(), plain.rounds(), plain.round().as_millis()),
            ([1, 64].as_slice(), 5, 3000)
        );
        assert_eq!(plain.operations, Operation::ALL);
        let quick = read("bench --quick --connections 16,256 --operations decrypt");
        assert_eq!(
            (quick.connections.as_slice(), quick.rounds(), quick.round().as_millis()),
            ([16, 256].as_slice(), 3, 500)
        );
        assert_eq!(quick.operations, [Operation::Decrypt]);
        assert!(Arguments::try_parse_from(["bench", "--connections", "0"]).is_err());
    }
}
