//! The production driver under the bundled scenarios: verdicts, traffic, and that one seed is one run.
//!
//! Not here: the driver on real sockets (`raft/tests/server`), which bugs are found here (`sim/bugs/README.md`).
#![cfg(madsim)]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use squall_sim::arena::ArenaKind;
use squall_sim::campaign::single::{How, Judged, judge};
use squall_sim::plan::Plan;
use squall_sim::run::finish::Outcome;
use squall_sim::run::subject::KvSubject;
use squall_sim::scenario::{Expect, Fault, Means, Scenario, Target, What, bundled};

/// How many runs are compared with runs of fresh processes.
const COMPARED: usize = 200;

fn run(name: &str, scenario: &Scenario, seed: u64, twice: bool) -> Judged {
    let plan = Arc::new(Plan::draw(name, scenario, seed));
    judge(plan, &KvSubject, How { arena: ArenaKind::Madsim, twice, ..How::default() }).expect("valid settings")
}

fn passed(name: &str, scenario: &Scenario, seed: u64, twice: bool) -> Outcome {
    let judged = run(name, scenario, seed, twice);
    assert!(judged.failure.is_none(), "{name} --seed {seed} --arena madsim: {:?}", judged.failure);
    judged.outcome.expect("a run that did not panic")
}

/// Does something for each number on both cores.
fn for_each(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    #[expect(clippy::disallowed_methods, reason = "threads between runs, never inside of one")]
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    work(at);
                }
            });
        }
    });
}

#[test]
fn every_scenario_passes_and_something_went_over_its_streams() {
    let sources = bundled();
    for_each(sources.len() * 4, |at| {
        let source = &sources[at / 4];
        let scenario = source.scenario().expect("a valid scenario");
        let outcome = passed(&source.name, &scenario, at as u64, false);
        let traffic = outcome.traffic;
        assert!(traffic.connections > 0 && traffic.frames > 0 && traffic.bytes > traffic.frames, "{}: {traffic:?}", source.name);
        // Where disks fail as well as networks, nodes are down for much of the time.
        let least = if source.name.starts_with("disks/") { 50 } else { 200 };
        let violates = matches!(scenario.expect, Expect::Violates(_));
        assert!(violates || outcome.operations >= least, "{}: {} operations", source.name, outcome.operations);
        // Whoever is dead for ever is dialled in vain.
        // Where all die at once, nobody is left who had a connection to them.
        let all = |what: &What| matches!(what, What::Kill(Target::All) | What::PowerLoss(Target::All));
        let is_missed = |fault: &Fault, kind: &str| fault.what.kind() == kind && !fault.permanent && !all(&fault.what);
        let comes_back = |kind: &str| scenario.faults.iter().any(|fault| is_missed(fault, kind));
        let took_effect = |kind: &str| outcome.faults.get(kind).is_some_and(|count| *count > 0);
        let kills = ["kill", "power_loss", "reset"].into_iter().any(|kind| comes_back(kind) && took_effect(kind));
        assert!(
            scenario.nodes.high < 2 || scenario.expect == Expect::Unavailable || violates || !kills || traffic.reconnects > 0,
            "{}: {traffic:?}",
            source.name
        );
    });
}

#[test]
fn what_streams_cannot_do_is_counted() {
    let sources = bundled();
    for_each(sources.len(), |at| {
        let source = &sources[at];
        let scenario = source.scenario().expect("a valid scenario");
        let asked = scenario.asks_for();
        let impossible = ArenaKind::Madsim.cannot();
        // Drawn ones may be drawn as zero, and optional faults may not come; never the other way round.
        let outcome = passed(&source.name, &scenario, 7, false);
        for what in outcome.inexpressible.keys().filter(|what| **what != "faster_link" && **what != "link") {
            let means = Means::ALL.into_iter().find(|means| means.name() == *what);
            assert!(means.is_some_and(|means| impossible.contains(&means) && asked.contains(&means)), "{}: {what}", source.name);
        }
    });
    let lossy = sources.iter().find(|source| source.name == "lossy-network").expect("a bundled scenario");
    let outcome = passed(&lossy.name, &lossy.scenario().expect("a valid scenario"), 7, false);
    assert!(outcome.inexpressible.get(Means::Loss.name()).is_some_and(|count| *count > 0));
}

#[test]
fn a_sweep_and_fresh_processes_come_to_the_same() {
    let sources = bundled();
    for_each(COMPARED, |at| {
        let source = &sources[at % sources.len()];
        let seed = 1_000 + at as u64;
        let here = passed(&source.name, &source.scenario().expect("a valid scenario"), seed, false);
        let output = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["run", &source.name, "--arena", "madsim", "--seed", &seed.to_string(), "--json"])
            .args(["--out", env!("CARGO_TARGET_TMPDIR")])
            .output()
            .expect("the binary that cargo built");
        let text = String::from_utf8(output.stdout).expect("text");
        let report: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect("a report");
        let there = report["results"][0]["trace_hash"].as_str().unwrap_or_default().to_owned();
        assert_eq!(there, format!("{:016x}", here.hash), "{} --seed {seed}", source.name);
    });
}

#[test]
fn seeds_differ_and_a_run_is_judged_twice_alike() {
    let source = bundled().into_iter().find(|source| source.name == "leader-crash").expect("a bundled scenario");
    let scenario = source.scenario().expect("a valid scenario");
    let hashes: std::collections::BTreeSet<u64> = (0..6).map(|seed| passed(&source.name, &scenario, seed, true).hash).collect();
    assert_eq!(hashes.len(), 6);
}

/// Three nodes and clients that ask again as soon as they are answered, so that slowness shows in how much they get done.
fn operations_with(rest: &str) -> u64 {
    let text = format!(
        r#"Scenario(nodes: 3, safety: "4s", clients: [Kv(count: 4)], network: (latency: ("1ms", "2ms")), faults: [{rest}])"#
    );
    let scenario = Scenario::parse("latency.ron", &text).expect("a valid scenario");
    passed("latency", &scenario, 5, false).operations
}

#[test]
fn slow_links_and_disks_are_slow_here_too() {
    let calm = operations_with("");
    let slow_links =
        operations_with(r#"(when: At("500ms"), lasts: "3s", what: Link(from: All, to: All, latency: ("30ms", "40ms")))"#);
    let slow_disks = operations_with(r#"(when: At("500ms"), lasts: "3s", what: SlowFsync(who: All, fsync: "120ms"))"#);
    assert!(slow_links * 2 < calm, "{slow_links} operations over slow links, {calm} over others");
    assert!(slow_disks * 2 < calm, "{slow_disks} operations on slow disks, {calm} on others");
}
