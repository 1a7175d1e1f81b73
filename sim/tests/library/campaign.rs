//! Verdicts of whole campaigns, each from a run that really ends that way, and what a record's status demands.
//!
//! Not here: panics (`panics.rs`), the command that shows verdicts (`cli/`), the files that records are (`records.rs`).

#![cfg(not(feature = "unordered"))] // With planted nondeterminism every verdict is that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use squall_checkers::format;
use squall_checkers::history::Outcome;
use squall_checkers::linearizability::{self, Limits, Verdict as Linearizability};
use squall_checkers::model::kv::{Input, Kv as KvModel, Output};
use squall_checkers::violation::Property;
use squall_raft::applier::kv::Kv;
use squall_sim::arena::ArenaKind;
use squall_sim::campaign::single::{How, Judged, judge};
use squall_sim::campaign::sweep::{Job, Named, RUNS_FOR_MARKS, Report, Sweep};
use squall_sim::campaign::verdict::Verdict;
use squall_sim::plan::{Op, Operation, Plan};
use squall_sim::run::Options;
use squall_sim::run::subject::{Ask, HistoryOf, KvSubject, Subject};
use squall_sim::scenario::{self, Mark, Scenario};
use squall_sim::seeds::record::{Record, Status};
use squall_sim::seeds::replay::{check, replay};

const BRIEF: &str = r#"Scenario(nodes: 3, safety: "600ms", clients: [Kv(count: 4)]"#;

/// A short run in which nothing goes wrong, but for what is added.
fn brief(name: &str, more: &str) -> Named {
    let text = format!("{BRIEF}, {more})");
    Named { name: name.to_owned(), scenario: Scenario::parse(name, &text).expect("a valid scenario") }
}

fn sweep<S: Subject + Sync>(subject: &S, scenarios: &[Named], seeds: std::ops::Range<u64>, how: How) -> Report {
    let jobs: Vec<Job> =
        seeds.flat_map(|seed| (0..scenarios.len()).map(move |scenario| Job { scenario, seed, twice: false })).collect();
    let stop = AtomicBool::new(false);
    Sweep { scenarios, jobs: &jobs, workers: 2, how, stop: &stop }.run_subject(subject, &|_, _| ()).expect("valid settings")
}

/// A machine that forgets every write of one client, which no single node can notice.
#[derive(Clone, Copy, Debug, Default)]
struct Forgetful;

impl Subject for Forgetful {
    type Machine = Kv;
    type Model = KvModel;

    fn machine(&self) -> Kv {
        Kv::default()
    }

    fn model(&self) -> KvModel {
        KvSubject.model()
    }

    /// Writes go to another key than the one that is reported.
    fn ask(&self, operation: &Operation, seen: Option<&Bytes>) -> Ask<Input> {
        let ask = KvSubject.ask(operation, seen);
        if let Op::Put(value) = &operation.op
            && value.tag().starts_with("c2-")
        {
            let aside = Operation { key: operation.key + 50, ..operation.clone() };
            return Ask { input: ask.input, ..KvSubject.ask(&aside, seen) };
        }
        ask
    }

    fn answer(&self, input: &Input, bytes: &Bytes) -> Option<Output> {
        KvSubject.answer(input, bytes)
    }

    fn seen(&self, input: &Input, output: &Output) -> Option<Option<Bytes>> {
        KvSubject.seen(input, output)
    }

    fn write_history(&self, history: &HistoryOf<Self>, witness: &[Option<u64>]) -> Option<String> {
        KvSubject.write_history(history, witness)
    }
}

/// What a file of a run says is what the run itself was told, be it right or wrong.
#[test]
fn a_written_history_gets_the_verdict_of_its_run() {
    let named = brief("written", "");
    let how = How { options: Options { history: true, ..Options::default() }, ..How::default() };
    let verdict_of_file = |judged: &Judged| {
        let outcome = judged.outcome.as_ref().expect("the run ends");
        let text = outcome.history.as_ref().expect("it was asked for");
        let recorded = format::read(&KvModel, "written", text.as_bytes(), None).expect("a history");
        let answered = recorded.history.operations().iter().filter(|operation| operation.outcome != Outcome::Unknown).count();
        assert_eq!((answered as u64, recorded.witness.len() as u64), (outcome.operations, outcome.operations + outcome.unknown));
        linearizability::check(&KvModel, &recorded.history, Limits::default())
    };
    let plan = || Arc::new(Plan::draw(&named.name, &named.scenario, 5));
    let good = judge(plan(), &KvSubject, how).expect("valid settings");
    assert_eq!(good.verdict(), Verdict::Pass);
    assert!(matches!(verdict_of_file(&good), Linearizability::Ok(_)));
    let bad = judge(plan(), &Forgetful, how).expect("valid settings");
    let failure = bad.failure.as_ref().expect("writes are lost");
    assert_eq!(failure.property, Property::Linearizability);
    let Linearizability::Illegal(illegal) = verdict_of_file(&bad) else { panic!("the file is as illegal as the run") };
    assert!(failure.message.contains(&format!("operation {} of client", illegal.operation)), "{}", failure.message);
    let without = judge(plan(), &KvSubject, How::default()).expect("valid settings").outcome.expect("the run ends");
    assert_eq!((without.history, Some(without.hash)), (None, good.outcome.map(|outcome| outcome.hash)));
}

/// More clients than any machine could serve: virtual time hardly advances for all that happens.
#[test]
fn a_run_beyond_its_budget_of_events_is_stuck() {
    let group = r#"Kv(count: 64, load: Closed(think: "0s"), mix: (put: 1), timeout: "400ms")"#;
    let groups = vec![group; 16].join(", ");
    let limits = r#"engine: (election_timeout: ("5ms", "10ms"), heartbeat: "1ms")"#;
    let weather = r#"network: (latency: "0s"), disk: (write: "0s", fsync: "0s")"#;
    let text = format!(r#"Scenario(nodes: 7, safety: "100ms", clients: [{groups}], {limits}, {weather})"#);
    let scenario = Scenario::parse("crowd.ron", &text).expect("a valid scenario");
    let how = How { options: Options { checks: false, ..Options::default() }, ..How::default() };
    let judged = judge(Arc::new(Plan::draw("crowd", &scenario, 1)), &KvSubject, how).expect("valid settings");
    let failure = judged.failure.as_ref().expect("a failure");
    assert_eq!((judged.verdict(), judged.verdict().code(), failure.property), (Verdict::Stuck, 16, Property::Stuck));
    assert!(failure.message.contains("events") && judged.outcome.is_some_and(|outcome| outcome.events > 1_000_000));
}

#[test]
fn a_search_that_reaches_its_limit_gives_up() {
    let limited = How { options: Options { search_max: 1, ..Options::default() }, ..How::default() };
    let report = sweep(&KvSubject, &[brief("busy", "")], 0..3, limited);
    assert_eq!((report.verdict(), report.verdict().code(), report.failed.len()), (Verdict::GaveUp, 14, 3));
    assert_eq!(report.failed[0].failure.property, Property::GaveUp);
    assert_eq!(sweep(&KvSubject, &[brief("busy", "")], 0..3, How::default()).verdict(), Verdict::Pass);
}

/// Clients that think long leave moments in which nothing is in flight; what is wrong is found at the next one.
#[test]
fn a_run_whose_history_is_illegal_ends_at_a_quiet_point() {
    let group = "Kv(count: 2, keys: 1, load: Rate(per_second: 5), mix: (get: 1, put: 1, append: 0, cas: 0, delete: 0))";
    let text = format!(r#"Scenario(nodes: 3, safety: "20s", clients: [{group}])"#);
    let scenario = Scenario::parse("quiet.ron", &text).expect("a valid scenario");
    let plan = || Arc::new(Plan::draw("quiet", &scenario, 1));
    let good = judge(plan(), &KvSubject, How::default()).expect("valid settings");
    assert_eq!(good.verdict(), Verdict::Pass);
    let bad = judge(plan(), &Forgetful, How::default()).expect("valid settings");
    assert_eq!(bad.failure.as_ref().map(|failure| failure.property), Some(Property::Linearizability));
    let ended_ns = bad.outcome.expect("the run ends").virtual_ns;
    assert!(ended_ns < plan().safety.0 / 2, "{ended_ns}");
}

#[test]
fn a_machine_that_forgets_writes_is_not_linearizable() {
    let report = sweep(&Forgetful, &[brief("forgetful", "")], 0..3, How::default());
    assert_eq!((report.verdict(), report.verdict().code(), report.failed.len()), (Verdict::Safety, 10, 3));
    assert_eq!(report.failed[0].failure.property, Property::Linearizability);
    let expected = brief("expected", r#"expect: Violates("linearizability")"#);
    assert_eq!(sweep(&Forgetful, &[expected], 0..3, How::default()).verdict(), Verdict::Pass, "as its file says");
    let other = sweep(&Forgetful, &[brief("other", r#"expect: Violates("log-matching")"#)], 0..1, How::default());
    assert_eq!((other.verdict(), other.failed[0].failure.property), (Verdict::Safety, Property::Expect));
}

/// All nodes begin anew when the phase ends, and one election timeout is too short for an election and all that follows.
#[test]
fn a_cluster_that_is_not_well_in_time_stalls() {
    let late = r#"settle_election_timeouts: 1, faults: [(when: At("100ms"), what: Kill(All))]"#;
    let report = sweep(&KvSubject, &[brief("late", late)], 0..3, How::default());
    assert_eq!((report.verdict(), report.verdict().code()), (Verdict::Liveness, 11), "{:?}", report.failed.len());
    assert_eq!(report.failed[0].failure.property, Property::Liveness);
    let expected = brief("expected", &format!("{late}, expect: Stalls"));
    assert_eq!(sweep(&KvSubject, &[expected], 0..3, How::default()).verdict(), Verdict::Pass, "as its file says");
}

#[test]
fn the_worst_verdict_of_several_scenarios_is_the_campaigns() {
    let all = [
        (Verdict::Pass, brief("fine", "")),
        (Verdict::Vacuous, brief("vacuous", r#"sometimes: ["leader_killed"]"#)),
        (Verdict::Liveness, brief("stalls", "expect: Stalls")),
        (Verdict::Safety, brief("violates", r#"expect: Violates("log-matching")"#)),
    ];
    // From the mildest on, each scenario that is added decides; in whatever order they stand.
    for end in 1..=all.len() {
        let mut scenarios: Vec<Named> = all[..end].iter().map(|(_, named)| named.clone()).collect();
        for _ in 0..2 {
            let report = sweep(&KvSubject, &scenarios, 0..RUNS_FOR_MARKS, How::default());
            assert_eq!(report.verdict(), all[end - 1].0);
            for (named, tally) in scenarios.iter().zip(&report.tallies) {
                let own = all.iter().find(|(_, other)| other.name == named.name).map(|(verdict, _)| *verdict);
                assert_eq!(tally.verdict, own, "{}", named.name);
            }
            scenarios.reverse();
        }
    }
}

/// A fault edited into a no-op, in two ways: taken out, and aimed at a moment that never comes.
#[test]
fn a_scenario_without_its_fault_is_vacuous() {
    let source = scenario::load("leader-crash").expect("bundled").remove(0);
    let whole = source.scenario().expect("valid");
    let (mut emptied, mut idle) = (whole.clone(), whole.clone());
    emptied.faults.clear();
    idle.faults[0].chance_ppm = Some(0);
    let named = |name: &str, scenario| Named { name: name.to_owned(), scenario };
    let scenarios = [named("whole", whole), named("emptied", emptied), named("idle", idle)];
    let report = sweep(&KvSubject, &scenarios, 0..RUNS_FOR_MARKS, How::default());
    let verdicts: Vec<_> = report.tallies.iter().map(|tally| tally.verdict).collect();
    assert_eq!(verdicts, [Some(Verdict::Pass), Some(Verdict::Vacuous), Some(Verdict::Vacuous)]);
    assert_eq!((report.verdict().code(), report.failed.len()), (15, 0));
    assert!(report.tallies[1].missing(&scenarios[1].scenario).contains(&Mark::LeaderKilled));
}

#[test]
fn every_property_that_a_scenario_can_expect_is_one_that_is_judged() {
    let judged: Vec<_> = Property::ALL.iter().filter(|p| Verdict::of(**p) == Verdict::Safety).map(|p| p.name()).collect();
    let mut expected: Vec<_> = scenario::Property::ALL.iter().map(|(name, _)| *name).collect();
    expected.push("expect");
    assert_eq!(judged, expected);
}

/// A run that passes although its file expects a stall, as a record.
fn failing() -> Record {
    let named = brief("failing", r#"expect: Stalls, sometimes: ["read_confirmed_by_round"]"#);
    let plan = Plan::draw(&named.name, &named.scenario, 7);
    let judged: Judged = judge(Arc::new(plan), &KvSubject, How::default()).expect("valid settings");
    Record::of(&judged, None).expect("a failure has a record")
}

/// The same run with a file that expects it to pass.
fn passing() -> Record {
    let mut record = failing();
    record.plan.expect = scenario::Expect::Pass;
    record
}

fn refusal(record: &Record) -> String {
    check(record).expect_err("it must be refused")
}

#[test]
fn a_new_record_asks_for_a_person() {
    let record = failing();
    assert_eq!(record.status, Status::New);
    for record in [record, Record { status: Status::New, ..passing() }] {
        assert!(refusal(&record).contains("set its status to Open(\"why\") or Fixed"));
    }
}

#[test]
fn an_open_record_must_violate_the_same_property() {
    let open = |record| Record { status: Status::Open("it is known".to_owned()), ..record };
    assert_eq!(check(&open(failing())), Ok(()));
    assert!(refusal(&open(passing())).starts_with("found a run that passes, expected a violation of expect"));
    let other = Record { property: "linearizability".to_owned(), ..failing() };
    assert!(refusal(&open(other)).starts_with("found a violation of expect, expected a violation of linearizability"));
}

#[test]
fn a_fixed_record_must_pass() {
    let fixed = |record| Record { status: Status::Fixed, ..record };
    assert_eq!(check(&fixed(passing())), Ok(()));
    assert!(refusal(&fixed(failing())).starts_with("found a violation of expect, expected a run that passes"));
}

#[test]
fn a_hash_is_compared_only_under_the_same_sources_and_plan() {
    let open = Record { status: Status::Open("it is known".to_owned()), ..failing() };
    assert_eq!(replay(&open).expect("valid").same_hash, Some(true));
    let other = Record { trace_hash: "0123456789abcdef".to_owned(), ..open.clone() };
    assert_eq!(replay(&other).expect("valid").same_hash, Some(false));
    assert!(refusal(&other).contains("not deterministic"));
    let of_other_sources = Record { fingerprint: "0000000000000000".to_owned(), ..other.clone() };
    assert_eq!((replay(&of_other_sources).expect("valid").same_hash, check(&of_other_sources)), (None, Ok(())));
    let mut edited = other;
    edited.plan.clients[0].operations.remove(0);
    let replayed = replay(&edited).expect("valid");
    assert!(replayed.edited && replayed.same_hash.is_none());
    assert_eq!(check(&edited), Ok(()));
}

#[test]
fn a_record_that_no_longer_shows_its_story_is_stale() {
    let open = Record { status: Status::Open("it is known".to_owned()), ..failing() };
    assert_eq!(open.marks, [Mark::ReadConfirmedByRound]);
    let stale = Record { marks: vec![Mark::ReadConfirmedByRound, Mark::LeaderKilled], ..open };
    assert_eq!(replay(&stale).expect("valid").stale, [Mark::LeaderKilled]);
    assert_eq!(refusal(&stale), "is stale: it no longer reaches leader_killed");
}

/// A reproducer of a planted bug: the plain build passes its plan, the build with the bug does what was recorded.
#[test]
fn a_planted_bugs_record_is_judged_by_what_the_build_knows() {
    let record = Record { bug: Some("Z01".to_owned()), status: Status::Fixed, property: "liveness".to_owned(), ..passing() };
    let mut killed = record.clone();
    let more = r#"faults: [(when: At("400ms"), lasts: "100ms", what: Kill(Leader))]"#;
    killed.plan = Plan::draw("killed", &brief("killed", more).scenario, 7);
    if cfg!(feature = "mutants") {
        assert_eq!(check(&killed), Ok(()), "nobody is elected any more");
        assert_eq!(replay(&killed).expect("valid").bug, Some("Z01".to_owned()));
        assert!(refusal(&record).starts_with("found a run that passes, expected a violation of liveness"));
    } else {
        assert_eq!((check(&killed), check(&record)), (Ok(()), Ok(())));
        assert_eq!(replay(&killed).expect("valid").bug, None);
    }
}

#[test]
fn a_run_on_a_thread_of_its_own_is_the_same_run() {
    let named = brief("apart", "network: (loss_ppm: 10_000)");
    let plan = |seed| Arc::new(Plan::draw(&named.name, &named.scenario, seed));
    for seed in 0..3 {
        let run = |how| judge(plan(seed), &KvSubject, how).expect("valid settings");
        let (here, apart) = (run(How::default()), run(How { apart: true, twice: true, ..How::default() }));
        let hash = |judged: &Judged| judged.outcome.as_ref().map(|outcome| (outcome.hash, outcome.events));
        assert_eq!((hash(&here), here.verdict()), (hash(&apart), apart.verdict()));
        assert!(hash(&here).is_some() && here.cpu_ns_apart == 0 && apart.cpu_ns_apart > 0, "its time is counted");
    }
}

/// The evidence of a failure is gathered on threads of their own, too.
#[test]
fn a_failure_on_a_thread_of_its_own_has_the_same_evidence() {
    let named = brief("late", r#"settle_election_timeouts: 1, faults: [(when: At("100ms"), what: Kill(All))]"#);
    let plan = Arc::new(Plan::draw(&named.name, &named.scenario, 1));
    let run = |how| judge(Arc::clone(&plan), &KvSubject, how).expect("valid settings");
    let (here, apart) = (run(How::default()), run(How { apart: true, ..How::default() }));
    assert_eq!((here.failure.clone(), &here.tape), (apart.failure.clone(), &apart.tape));
    assert!(here.failure.is_some() && !apart.last_events.is_empty() && here.last_events == apart.last_events);
}

#[test]
fn a_record_names_the_arena_of_its_run() {
    let named = brief("stalls", "expect: Stalls");
    let judged = judge(Arc::new(Plan::draw("stalls", &named.scenario, 1)), &KvSubject, How::default()).expect("valid settings");
    let record = Record::of(&judged, None).expect("a failure");
    assert_eq!((record.arena.as_str(), record.arena()), ("world", ArenaKind::World));
    let elsewhere = Record { arena: "madsim".to_owned(), ..record.clone() };
    assert_eq!(Record::parse("record.ron", &elsewhere.to_ron()).expect("a record").arena(), ArenaKind::Madsim);
    assert_eq!(squall_sim::seeds::replay::how_of(&elsewhere).arena, ArenaKind::Madsim);
    assert_ne!(record.file_name(), elsewhere.file_name(), "both may be kept");
}
