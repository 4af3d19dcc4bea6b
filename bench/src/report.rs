//! What the measurement says, for people and for programs.
//!
//! Not here: a verdict. Invariant: a figure of the server never stands without the bare server's beside it, nor a
//! disturbed one without a word.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    rounds::{OTHERS_SHARE_MAX, Round},
    statistics::median,
    workload::Operation,
};

/// Where it was measured.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) placement: String,
    pub(crate) program: String,
    pub(crate) profile: String,
    pub(crate) file_system: &'static str,
    /// Whether what is flushed survives a loss of power.
    pub(crate) lasting: bool,
    pub(crate) flush_micros: f64,
}

impl Machine {
    /// The head line.
    pub(crate) fn head(&self) -> String {
        let memory = if self.lasting { "" } else { " (in memory: flushes cost nothing, figures are too good)" };
        format!(
            "{}; {}; {} ({}); data on {}{memory}, one flush of 1 KiB {:.0} µs",
            self.processor, self.placement, self.program, self.profile, self.file_system, self.flush_micros
        )
    }
}

/// Every measurement of one operation with one number of connections.
#[derive(Debug)]
pub(crate) struct Cell {
    operation: Operation,
    connections: usize,
    pub(crate) bare: Vec<Round>,
    pub(crate) server: Vec<Round>,
    /// Rounds that were measured again.
    pub(crate) discarded: usize,
    /// Rounds that count although others took too much.
    pub(crate) disturbed: usize,
}

/// Medians over the rounds of one server.
struct Medians {
    rate: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    generator: f64,
    others: f64,
}

impl Medians {
    fn of(rounds: &[Round]) -> Self {
        let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
        Self {
            rate: of(Round::rate),
            p50: of(|round| round.p50_micros),
            p99: of(|round| round.p99_micros),
            cpu: of(Round::cpu_micros_per_answer),
            generator: of(|round| round.generator_share),
            others: of(|round| round.others_share),
        }
    }

    fn json(&self) -> Value {
        json!({
            "requests_per_second": self.rate,
            "p50_micros": self.p50,
            "p99_micros": self.p99,
            "cpu_micros_per_request": self.cpu,
            "generator_share_of_core": self.generator,
            "other_processes_share": self.others,
        })
    }
}

impl Cell {
    /// Nothing measured yet.
    pub(crate) fn new(operation: Operation, connections: usize) -> Self {
        Self { operation, connections, bare: Vec::new(), server: Vec::new(), discarded: 0, disturbed: 0 }
    }

    fn rows(&self) -> String {
        let (bare, server) = (Medians::of(&self.bare), Medians::of(&self.server));
        let mut out = row(self.operation.name(), &self.connections.to_string(), "bare", &bare, "");
        let ratios = format!(
            "{:>7.1}  {:>7.2} {:>7.1} {:>7.1} {:>7.2}",
            self.keeper_micros(),
            server.rate / bare.rate,
            server.p50 / bare.p50,
            server.p99 / bare.p99,
            bare.cpu / server.cpu
        );
        out.push_str(&row("", "", "kanuki", &server, &ratios));
        out
    }

    /// What the reader should know beside the figures.
    fn remarks(&self) -> Vec<String> {
        let name = format!("{} with {}", self.operation.name(), self.connections);
        let mut remarks = Vec::new();
        if self.disturbed > 0 {
            let worst = self.bare.iter().chain(&self.server).map(|round| round.others_share).fold(0.0, f64::max);
            remarks.push(format!(
                "{name}: in {} of {} rounds other processes took more than {:.0} % of the machine (at worst {:.0} %), and \
                 measuring again did not help",
                self.disturbed,
                self.bare.len() + self.server.len(),
                OTHERS_SHARE_MAX * 100.0,
                worst * 100.0
            ));
        }
        let generator = Medians::of(&self.bare).generator;
        if generator > GENERATOR_BUSY {
            remarks.push(format!(
                "{name}: the generator used {:.0} % of a core against the bare server, whose rate may be higher than shown",
                generator * 100.0
            ));
        }
        remarks
    }

    fn json(&self) -> Value {
        let (bare, server) = (Medians::of(&self.bare), Medians::of(&self.server));
        let own = median(self.server.iter().map(|round| round.cpu_micros_of(0)));
        json!({
            "operation": self.operation.name(),
            "connections": self.connections,
            "bare": bare.json(),
            "kanuki": server.json(),
            "kanuki_cpu_micros_server": own,
            "kanuki_cpu_micros_keeper": self.keeper_micros(),
            "ratio": {
                "requests_per_second": server.rate / bare.rate,
                "p50": server.p50 / bare.p50,
                "p99": server.p99 / bare.p99,
                "cpu_bare_to_kanuki": bare.cpu / server.cpu,
            },
            "verified_answers": self.server.iter().map(|round| round.answers).sum::<usize>(),
            "rounds_discarded": self.discarded,
            "rounds_disturbed": self.disturbed,
        })
    }

    /// What the server's children used.
    fn keeper_micros(&self) -> f64 {
        median(self.server.iter().map(|round| round.cpu_micros_per_answer() - round.cpu_micros_of(0)))
    }
}

/// The whole measurement.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
    pub(crate) cells: Vec<Cell>,
}

impl Report {
    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("{}\n", self.machine.head());
        let _ = writeln!(
            out,
            "medians of {} rounds of {:.1} s, bare and kanuki in turn\n",
            self.rounds,
            self.round.as_secs_f64()
        );
        let _ = writeln!(out, "{:>79}  {:^31}", "", "kanuki to bare");
        let _ = writeln!(
            out,
            "{:<16} {:>5}  {:<7}{:>10} {:>9} {:>9} {:>9} {:>7}  {:>7} {:>7} {:>7} {:>7}",
            "operation",
            "conns",
            "server",
            "requests/s",
            "p50 µs",
            "p99 µs",
            "CPU µs",
            "keeper",
            "rate",
            "p50",
            "p99",
            "CPU*"
        );
        for cell in &self.cells {
            out.push_str(&cell.rows());
        }
        out.push_str(
            "\n* CPU µs: server time per request, the keeper process included; the ratio is bare's to kanuki's.\n",
        );
        for remark in self.cells.iter().flat_map(Cell::remarks) {
            let _ = writeln!(out, "! {remark}");
        }
        let answers: usize = self.cells.iter().flat_map(|cell| &cell.server).map(|round| round.answers).sum();
        let _ = write!(out, "{answers} answers of kanuki counted, every one verified, samples decrypted");
        out
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let machine = &self.machine;
        let report = json!({
            "machine": {
                "processor": machine.processor,
                "placement": machine.placement,
                "server": machine.program,
                "profile": machine.profile,
                "file_system": machine.file_system,
                "flush_micros": machine.flush_micros,
            },
            "rounds": self.rounds,
            "round_seconds": self.round.as_secs_f64(),
            "cells": self.cells.iter().map(Cell::json).collect::<Vec<_>>(),
        });
        format!("{report:#}")
    }
}

fn row(operation: &str, connections: &str, server: &str, medians: &Medians, ratios: &str) -> String {
    let Medians { rate, p50, p99, cpu, .. } = medians;
    let line =
        format!("{operation:<16} {connections:>5}  {server:<7}{rate:>10.0} {p50:>9.1} {p99:>9.1} {cpu:>9.1} {ratios}");
    format!("{}\n", line.trim_end())
}

/// From this share of a core on, the generator may be what limits.
const GENERATOR_BUSY: f64 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let round = |answers, cpu: &[f64], micros, others_share| Round {
            answers,
            seconds: 2.0,
            cpu_seconds: cpu.into(),
            p50_micros: micros,
            p99_micros: 2.0 * micros,
            others_share,
            generator_share: 0.95,
        };
        let mut cell = Cell::new(Operation::Encrypt, 64);
        cell.bare = vec![round(200_000, &[2.0], 300.0, 0.0)];
        cell.server = vec![round(50_000, &[1.5, 0.5], 1200.0, 0.3)];
        cell.disturbed = 1;
        let machine = Machine {
            processor: "P".into(),
            placement: "apart".into(),
            program: "kanuki".into(),
            profile: "release build".into(),
            file_system: "tmpfs",
            lasting: false,
            flush_micros: 90.0,
        };
        Report { machine, rounds: 1, round: Duration::from_secs(2), cells: vec![cell] }
    }

    #[test]
    fn every_figure_stands_beside_its_ceiling() {
        let table = report().table();
        let numbers = |begin: &str| -> Vec<&str> {
            let line = table.lines().find(|line| line.trim_start().starts_with(begin)).unwrap();
            line.split_ascii_whitespace().filter(|word| word.parse::<f64>().is_ok()).collect()
        };
        assert_eq!(numbers("Encrypt "), ["64", "100000", "300.0", "600.0", "10.0"]);
        let kanuki = ["25000", "1200.0", "2400.0", "40.0", "10.0", "0.25", "4.0", "4.0", "0.25"];
        assert_eq!(numbers("kanuki   "), kanuki);
    }

    #[test]
    fn disturbances_are_told() {
        let table = report().table();
        assert!(table.contains("in 1 of 2 rounds other processes took more than 10 % of the machine (at worst 30 %)"));
        assert!(table.contains("the generator used 95 % of a core"));
        assert!(table.contains("in memory"));
    }

    #[test]
    fn programs_read_the_same() {
        let json: Value = serde_json::from_str(&report().json()).unwrap();
        let cell = &json["cells"][0];
        assert_eq!(cell["kanuki_cpu_micros_server"], 30.0);
        assert_eq!(cell["kanuki_cpu_micros_keeper"], 10.0);
        assert_eq!(cell["ratio"]["cpu_bare_to_kanuki"], 0.25);
        assert_eq!(cell["rounds_disturbed"], 1);
    }
}
