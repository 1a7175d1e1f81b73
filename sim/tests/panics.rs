//! A panic in the system under test is caught, recorded with its seed, and ends nothing but its run.
//!
//! In a process of its own: the hook that keeps such panics quiet would swallow what other tests say.

#![cfg(not(feature = "unordered"))] // With planted nondeterminism every verdict is that.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use squall_checkers::model::kv::{Input, Kv as KvModel, Output};
use squall_checkers::violation::Property;
use squall_raft::applier::StateMachine;
use squall_raft::applier::kv::Kv;
use squall_sim::campaign::panics;
use squall_sim::campaign::single::How;
use squall_sim::campaign::sweep::{Job, Named, Report, Sweep};
use squall_sim::campaign::verdict::Verdict;
use squall_sim::plan::{Op, Operation, Plan, Value};
use squall_sim::run::subject::{Ask, KvSubject, Subject};
use squall_sim::scenario::Scenario;
use squall_sim::seeds::record::Record;

/// A short run in which nothing goes wrong, but for what is added.
fn brief(name: &str, more: &str) -> Named {
    let text = format!(r#"Scenario(nodes: 3, safety: "600ms", clients: [Kv(count: 4)], {more})"#);
    Named { name: name.to_owned(), scenario: Scenario::parse(name, &text).expect("a valid scenario") }
}

/// Held by each test from its start to its end, so that the hook of one never swallows what the other says.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sweeps with the hook that keeps panics quiet, and takes the hook away again, so that assertions are heard.
fn sweep(scenarios: &[Named], seeds: std::ops::Range<u64>) -> Report {
    sweep_how(scenarios, seeds, How::default())
}

fn sweep_how(scenarios: &[Named], seeds: std::ops::Range<u64>, how: How) -> Report {
    let jobs: Vec<Job> =
        seeds.flat_map(|seed| (0..scenarios.len()).map(move |scenario| Job { scenario, seed, twice: false })).collect();
    let stop = AtomicBool::new(false);
    panics::keep_quiet();
    let report = Sweep { scenarios, jobs: &jobs, workers: 2, how, stop: &stop }.run_subject(&Touchy, &|_, _| ());
    drop(std::panic::take_hook());
    report.expect("valid settings")
}

/// The key-value machine, and a state that it is not ready for.
#[derive(Clone, Debug, Default)]
struct TouchyMachine(Kv);

/// What it cannot bear to see written.
const DREADED: &[u8] = b"c2-3.";

impl StateMachine for TouchyMachine {
    fn apply(&mut self, command: &[u8]) -> Bytes {
        assert!(!command.windows(DREADED.len()).any(|part| part == DREADED), "not that value");
        self.0.apply(command)
    }

    fn query(&self, query: &[u8]) -> Bytes {
        self.0.query(query)
    }

    fn digest(&self) -> u64 {
        self.0.digest()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Touchy;

impl Subject for Touchy {
    type Machine = TouchyMachine;
    type Model = KvModel;

    fn machine(&self) -> TouchyMachine {
        TouchyMachine::default()
    }

    fn model(&self) -> KvModel {
        KvSubject.model()
    }

    fn ask(&self, operation: &Operation, seen: Option<&Bytes>) -> Ask<Input> {
        KvSubject.ask(operation, seen)
    }

    fn answer(&self, input: &Input, bytes: &Bytes) -> Option<Output> {
        KvSubject.answer(input, bytes)
    }

    fn seen(&self, input: &Input, output: &Output) -> Option<Option<Bytes>> {
        KvSubject.seen(input, output)
    }
}

/// Whether a plan's second client writes the dreaded value.
fn is_dreadful(named: &Named, seed: u64) -> bool {
    let plan = Plan::draw(&named.name, &named.scenario, seed);
    let dreaded = |value: &Value| value.tag() == "c2-3";
    plan.clients.iter().flat_map(|client| &client.operations).any(|operation| match &operation.op {
        Op::Put(value) | Op::Append(value) | Op::Cas { new: value, .. } => dreaded(value),
        Op::Get | Op::Delete => false,
    })
}

#[test]
fn a_panic_on_a_thread_of_its_own_is_the_same_verdict_with_the_same_words() {
    let _alone = alone();
    let scenarios = [brief("touchy", "")];
    let apart = sweep_how(&scenarios, 0..10, How { apart: true, ..How::default() });
    let words = |report: &Report| -> Vec<_> {
        let said = report.failed.iter().map(|failed| (failed.judged.plan.seed, failed.failure.message.clone()));
        said.zip(report.failed.iter().map(|failed| failed.judged.last_events.clone())).collect()
    };
    assert_eq!(words(&apart), words(&sweep(&scenarios, 0..10)));
    assert!(apart.verdict() == Verdict::Panic && apart.failed[0].failure.message.contains("not that value"));
}

#[test]
fn a_panic_is_recorded_with_its_seed_and_the_other_runs_go_on() {
    let _alone = alone();
    let scenarios = [brief("touchy", ""), brief("other", "network: (loss_ppm: 10_000)")];
    let report = sweep(&scenarios, 0..10);
    let dreadful: Vec<u64> = (0..10).filter(|seed| is_dreadful(&scenarios[0], *seed)).collect();
    let failed: Vec<u64> =
        report.failed.iter().filter(|failed| failed.scenario == 0).map(|failed| failed.judged.plan.seed).collect();
    assert!(failed == dreadful && !dreadful.is_empty() && dreadful.len() < 10, "{failed:?} {dreadful:?}");
    assert_eq!((report.verdict(), report.verdict().code()), (Verdict::Panic, 12));
    for tally in &report.tallies {
        assert_eq!(tally.runs, 10, "the other runs go on");
        assert_eq!(tally.verdict, Some(Verdict::Panic));
    }
    assert_eq!(report.tallies[0].passed, 10 - failed.len() as u64);
    assert!(report.tallies[0].operations > 0, "of those that passed");
    let first = &report.failed[0];
    assert_eq!(first.failure.property, Property::Panic);
    let message = &first.failure.message;
    assert!(message.starts_with("not that value at ") && message.contains("panics.rs:"), "{message}");
    let last = first.judged.last_events.last();
    assert!(last.is_some_and(|event| event.contains("n1 <- n2 appended")), "what led there is kept: {last:?}");
    let record = Record::of(&first.judged, None).expect("a failure has a record");
    assert_eq!((record.property.as_str(), record.plan.seed), ("panic", failed[0]));
    assert_eq!(Record::parse("panic.ron", &record.to_ron()).as_ref(), Ok(&record));
}

/// Panics come before all else that a campaign without nondeterminism may report.
#[test]
fn a_panic_is_the_campaigns_verdict() {
    let _alone = alone();
    let scenarios = [brief("stalls", "expect: Stalls"), brief("violates", r#"expect: Violates("log-matching")"#)];
    let report = sweep(&scenarios, 0..8);
    assert!(report.failed.iter().any(|failed| failed.failure.verdict == Verdict::Safety));
    assert!(report.failed.iter().any(|failed| failed.failure.verdict == Verdict::Liveness));
    assert_eq!((report.verdict(), report.verdict().code()), (Verdict::Panic, 12));
}
