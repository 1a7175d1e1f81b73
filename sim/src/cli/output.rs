//! What people and programs are shown: the summary table, failures, the JSON line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;
use squall_checkers::violation::Property;

use crate::arena::{ArenaKind, Traffic};
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
    pub unavailable: u64,
    pub events: u64,
    pub messages: u64,
    pub operations: u64,
    pub unknown: u64,
    pub max_in_flight: u64,
    #[serde(flatten)]
    pub traffic: TrafficJson,
    pub virtual_ns: u64,
    pub cpu_ns: u64,
    pub wall_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_seed: Option<u64>,
    pub checkers: CheckersJson,
    pub results: Vec<ResultJson>,
    pub failures: Vec<FailureJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct ResultJson {
    pub name: String,
    pub arena: &'static str,
    pub verdict: Verdict,
    pub runs: u64,
    pub unavailable: u64,
    pub operations: u64,
    #[serde(flatten)]
    pub traffic: TrafficJson,
    pub leaders: u64,
    pub faults: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub suppressed: BTreeMap<&'static str, u64>,
    pub inexpressible: BTreeMap<&'static str, u64>,
    pub marks: BTreeMap<&'static str, u64>,
    pub not_judged: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_hash: Option<String>,
}

/// What went over wires.
#[derive(Debug, Serialize)]
pub(super) struct TrafficJson {
    connections: u64,
    frames: u64,
    bytes: u64,
    reconnects: u64,
}

impl From<Traffic> for TrafficJson {
    fn from(traffic: Traffic) -> Self {
        let Traffic { connections, frames, bytes, reconnects } = traffic;
        Self { connections, frames, bytes, reconnects }
    }
}

/// Which checkers the arena lets run.
#[derive(Debug, Serialize)]
pub(super) struct CheckersJson {
    ran: Vec<&'static str>,
    not_run: Vec<&'static str>,
}

impl From<ArenaKind> for CheckersJson {
    fn from(arena: ArenaKind) -> Self {
        let (ran, not_run) = Property::judged_by(arena.provides());
        let names = |properties: Vec<Property>| properties.into_iter().map(Property::name).collect();
        Self { ran: names(ran), not_run: names(not_run) }
    }
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
            failed: sum(|tally| tally.runs - tally.passed - tally.unavailable),
            unavailable: sum(|tally| tally.unavailable),
            events: sum(|tally| tally.events),
            messages: sum(|tally| tally.messages),
            operations: sum(|tally| tally.operations),
            unknown: sum(|tally| tally.unknown),
            max_in_flight: report.tallies.iter().map(|tally| tally.max_in_flight).max().unwrap_or(0),
            traffic: traffic(report).into(),
            virtual_ns: sum(|tally| tally.virtual_ns),
            cpu_ns: sum(|tally| tally.cpu_ns),
            wall_ns: 0,
            base_seed: None,
            checkers: report.arena.into(),
            results: results.map(|(named, tally)| ResultJson::new(named, tally, report.arena, one_seed)).collect(),
            failures,
        }
    }
}

impl ResultJson {
    fn new(named: &Named, tally: &Tally, arena: ArenaKind, one_seed: bool) -> Self {
        Self {
            name: named.name.clone(),
            arena: arena.name(),
            verdict: tally.verdict.unwrap_or(Verdict::Pass),
            runs: tally.runs,
            unavailable: tally.unavailable,
            operations: tally.operations,
            traffic: tally.traffic.into(),
            leaders: tally.leaders,
            faults: tally.faults.clone(),
            suppressed: tally.suppressed.clone(),
            inexpressible: tally.inexpressible.clone(),
            marks: tally.marks.iter().map(|(mark, count)| (mark.name(), *count)).collect(),
            not_judged: tally.not_judged(),
            trace_hash: tally.trace_hash.filter(|_| one_seed).map(hex),
        }
    }
}

fn traffic(report: &Report) -> Traffic {
    let mut all = Traffic::default();
    report.tallies.iter().for_each(|tally| all += tally.traffic);
    all
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

/// What the arena adds to the summary: which checkers ran, and where it has wires or limits, those.
pub(super) fn arena(scenarios: &[Named], report: &Report) -> String {
    let CheckersJson { ran, not_run } = report.arena.into();
    let mut out = format!("{} checkers ran", ran.len());
    if !not_run.is_empty() {
        out += &format!("; {} could not run in the arena {}", not_run.join(", "), report.arena);
    }
    out.push('\n');
    if report.arena != ArenaKind::World {
        let Traffic { connections, frames, bytes, reconnects } = traffic(report);
        out += &format!("{}: {connections} connections, {reconnects} reconnects, {frames} frames, {bytes} bytes\n", report.arena);
    }
    for (named, tally) in scenarios.iter().zip(&report.tallies) {
        if !tally.inexpressible.is_empty() {
            let what: Vec<_> = tally.inexpressible.iter().map(|(what, count)| format!("{what} {count}")).collect();
            out += &format!("{} asked for what {} cannot do: {}\n", named.name, report.arena, what.join(", "));
        }
        let not_judged = tally.not_judged();
        if tally.runs > 0 && !not_judged.is_empty() {
            out += &format!("{} not judged: {}\n", named.name, not_judged.join(", "));
        }
    }
    out
}

/// What has to be added to a command to run in this arena.
pub(super) fn in_arena(arena: ArenaKind) -> String {
    if arena == ArenaKind::default() { String::new() } else { format!(" --arena {arena}") }
}

/// Runs that count neither as passed nor as failed.
pub(super) fn unavailable(scenarios: &[Named], report: &Report) -> String {
    let some = scenarios.iter().zip(&report.tallies).filter(|(_, tally)| tally.unavailable > 0);
    some.map(|(named, tally)| {
        format!("{}: {} of {} runs unavailable, the faults that stayed left no core\n", named.name, tally.unavailable, tally.runs)
    })
    .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn report(arena: ArenaKind, inexpressible: &[(&'static str, u64)]) -> (Vec<Named>, Report) {
        let text = r#"Scenario(nodes: 3, safety: "1s", clients: [Kv()])"#;
        let scenario = Scenario::parse("brief.ron", text).expect("a valid scenario");
        let traffic = Traffic { connections: 6, frames: 70, bytes: 800, reconnects: 2 };
        let tally = Tally { runs: 1, traffic, inexpressible: inexpressible.iter().copied().collect(), ..Tally::default() };
        let report = Report { arena, tallies: vec![tally.clone(), tally], ..Report::default() };
        (["one", "two"].map(|name| Named { name: name.to_owned(), scenario: scenario.clone() }).into(), report)
    }

    #[test]
    fn another_arena_than_the_world_says_what_went_over_its_wires_and_what_it_cannot_do() {
        let (scenarios, found) = report(ArenaKind::Madsim, &[("loss", 3), ("link", 1)]);
        let said = arena(&scenarios, &found);
        assert!(said.contains("madsim: 12 connections, 4 reconnects, 140 frames, 1600 bytes\n"), "{said}");
        assert!(said.contains("two asked for what madsim cannot do: link 1, loss 3\n"), "{said}");
        assert!(said.contains("one not judged: link\n"), "{said}");
        let json = serde_json::to_value(RunJson::new(&scenarios, &found, Vec::new(), false)).expect("JSON");
        assert_eq!((&json["reconnects"], &json["results"][1]["bytes"]), (&4.into(), &800.into()));
        assert_eq!((&json["results"][0]["arena"], &json["results"][0]["inexpressible"]["loss"]), (&"madsim".into(), &3.into()));
        assert_eq!(json["results"][0]["not_judged"], serde_json::json!(["link"]));
        let (scenarios, found) = report(ArenaKind::World, &[]);
        assert_eq!(arena(&scenarios, &found), "11 checkers ran; transport, bounded could not run in the arena world\n");
    }
}
