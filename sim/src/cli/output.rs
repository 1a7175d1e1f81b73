//! What people and programs are shown: the summary table, failures, the JSON line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::campaign::sweep::{Named, Report, Tally};
use crate::campaign::verdict::Verdict;
use crate::run::text::Seconds;
use crate::seeds::record::hex;

/// The one JSON line of `run`.
#[derive(Debug, Serialize)]
pub(super) struct RunJson {
    pub runs: u64,
    pub passed: u64,
    pub failed: u64,
    pub events: u64,
    pub messages: u64,
    pub operations: u64,
    pub unknown: u64,
    pub max_in_flight: u64,
    pub virtual_ns: u64,
    pub cpu_ns: u64,
    pub wall_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_seed: Option<u64>,
    pub results: Vec<ResultJson>,
    pub failures: Vec<FailureJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct ResultJson {
    pub name: String,
    pub arena: &'static str,
    pub verdict: Verdict,
    pub runs: u64,
    pub operations: u64,
    pub leaders: u64,
    pub faults: BTreeMap<String, u64>,
    pub marks: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_hash: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct FailureJson {
    pub name: String,
    pub seed: u64,
    pub property: &'static str,
    pub seed_file: Option<String>,
    pub replay: String,
}

impl RunJson {
    pub fn new(scenarios: &[Named], report: &Report, failures: Vec<FailureJson>, one_seed: bool) -> Self {
        let sum = |pick: fn(&Tally) -> u64| report.tallies.iter().map(pick).sum();
        let results = scenarios.iter().zip(&report.tallies).filter(|(_, tally)| tally.runs > 0);
        Self {
            runs: sum(|tally| tally.runs),
            passed: sum(|tally| tally.passed),
            failed: sum(|tally| tally.runs - tally.passed),
            events: sum(|tally| tally.events),
            messages: sum(|tally| tally.messages),
            operations: sum(|tally| tally.operations),
            unknown: sum(|tally| tally.unknown),
            max_in_flight: report.tallies.iter().map(|tally| tally.max_in_flight).max().unwrap_or(0),
            virtual_ns: sum(|tally| tally.virtual_ns),
            cpu_ns: sum(|tally| tally.cpu_ns),
            wall_ns: 0,
            base_seed: None,
            results: results.map(|(named, tally)| ResultJson::new(named, tally, one_seed)).collect(),
            failures,
        }
    }
}

impl ResultJson {
    fn new(named: &Named, tally: &Tally, one_seed: bool) -> Self {
        Self {
            name: named.name.clone(),
            arena: "world",
            verdict: tally.verdict.unwrap_or(Verdict::Pass),
            runs: tally.runs,
            operations: tally.operations,
            leaders: tally.leaders,
            faults: tally.faults.clone(),
            marks: tally.marks.iter().map(|(mark, count)| (mark.name(), *count)).collect(),
            trace_hash: tally.trace_hash.filter(|_| one_seed).map(hex),
        }
    }
}

/// Prints one line of JSON on standard output.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(value)?;
    writeln!(io::stdout().lock(), "{line}")
}

/// The summary: one row per scenario, one for all.
pub(super) fn table(scenarios: &[Named], report: &Report) -> String {
    let head = ["scenario", "runs", "virtual", "messages", "operations", "leaders", "faults", "marks", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    let mut all = Tally::default();
    for (named, tally) in scenarios.iter().zip(&report.tallies).filter(|(_, tally)| tally.runs > 0) {
        let listed = named.scenario.sometimes.len();
        let marks = format!("{}/{listed}", listed - tally.missing(&named.scenario).len());
        rows.push(row(&named.name, tally, marks, tally.verdict.unwrap_or(Verdict::Pass)));
        add(&mut all, tally);
    }
    rows.push(row("all", &all, String::new(), report.verdict()));
    let mut widths = [0; 9];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (i, (width, cell)) in widths.iter().zip(row).enumerate() {
            let left = i == 0 || i == 8;
            // Writing into a string cannot fail.
            let _ = if left { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(name: &str, tally: &Tally, marks: String, verdict: Verdict) -> [String; 9] {
    let seconds = tally.virtual_ns / 1_000_000_000;
    [
        name.to_owned(),
        tally.runs.to_string(),
        format!("{seconds}s"),
        tally.messages.to_string(),
        tally.operations.to_string(),
        tally.leaders.to_string(),
        tally.faults.values().sum::<u64>().to_string(),
        marks,
        verdict.name().to_owned(),
    ]
}

fn add(all: &mut Tally, tally: &Tally) {
    all.runs += tally.runs;
    all.virtual_ns += tally.virtual_ns;
    all.messages += tally.messages;
    all.operations += tally.operations;
    all.leaders += tally.leaders;
    *all.faults.entry(String::new()).or_default() += tally.faults.values().sum::<u64>();
}

/// How fast it went.
pub(super) fn speed(virtual_ns: u64, cpu_ns: u64, wall_ns: u64) -> String {
    let ratio = virtual_ns.checked_div(cpu_ns).unwrap_or(0);
    format!("{} virtual in {} CPU ({ratio} : 1), {} wall", Seconds(virtual_ns), Seconds(cpu_ns), Seconds(wall_ns))
}

/// How this program is called, for commands to paste.
pub(super) fn command() -> &'static str {
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some();
    match (by_cargo, cfg!(feature = "mutants")) {
        (true, true) => "cargo run --release --features squall-sim/mutants --",
        (true, false) => "cargo run --release --",
        (false, _) => "squall",
    }
}
