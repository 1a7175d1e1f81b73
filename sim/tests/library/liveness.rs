//! Faults that stay: who must make progress all the same, what is found where nobody does, and that the switches which
//! are there for it are needed.
//!
//! Not here: how the core is picked (`run/clique.rs`), the bundled scenarios themselves (`scenarios.rs`).

#![cfg(not(feature = "unordered"))] // With planted nondeterminism every verdict is that.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use squall_checkers::violation::Property;
use squall_sim::campaign::single::{How, Judged, judge};
use squall_sim::campaign::sweep::{Job, Named, RUNS_FOR_MARKS, Report, Sweep};
use squall_sim::campaign::verdict::Verdict;
use squall_sim::plan::Plan;
use squall_sim::run::subject::KvSubject;
use squall_sim::scenario::{self, Expect, Mark, Range, Scenario};

fn bundled(name: &str) -> Scenario {
    scenario::load(name).expect("bundled").remove(0).scenario().expect("valid")
}

fn run(scenario: &Scenario, seed: u64, how: How) -> Judged {
    judge(Arc::new(Plan::draw("liveness", scenario, seed)), &KvSubject, how).expect("valid settings")
}

fn sweep(scenario: Scenario, seeds: u64) -> Report {
    let scenarios = [Named { name: "liveness".to_owned(), scenario }];
    let jobs: Vec<Job> = (0..seeds).map(|seed| Job { scenario: 0, seed, twice: false }).collect();
    let stop = AtomicBool::new(false);
    Sweep { scenarios: &scenarios, jobs: &jobs, workers: 1, how: How::default(), stop: &stop }
        .run(&|_, _| ())
        .expect("valid settings")
}

/// The message of the first liveness failure within so many seeds. Nothing else may be found.
fn stall(scenario: &Scenario, seeds: u64, how: How) -> String {
    let failure = (0..seeds).find_map(|seed| run(scenario, seed, how).failure).expect("a stall is found");
    assert_eq!((failure.property, failure.verdict.code()), (Property::Liveness, 11), "{}", failure.message);
    failure.message
}

/// Three nodes of which these are dead for ever.
fn dead(nodes: &[u64], more: &str) -> Scenario {
    let kills: Vec<_> = nodes.iter().map(|n| format!(r#"(when: At("300ms"), permanent: true, what: Kill(Node({n})))"#)).collect();
    let text = format!(r#"Scenario(nodes: 3, safety: "600ms", clients: [Kv()], faults: [{}], {more})"#, kills.join(", "));
    Scenario::parse("dead", &text).expect("a valid scenario")
}

#[test]
fn a_leader_that_is_heard_and_hears_nobody_needs_check_quorum() {
    let mut scenario = bundled("deaf-for-ever");
    assert_eq!(sweep(scenario.clone(), 5).verdict(), Verdict::Pass);
    scenario.engine.check_quorum = Range::fixed(false);
    let message = stall(&scenario, 2, How::default());
    assert!(message.contains("after all but node") && message.contains("nothing new is committed"), "{message}");
}

#[test]
fn a_leader_that_reaches_too_few_needs_check_quorum_where_some_stay_loyal() {
    let mut scenario = bundled("partial-mesh");
    assert_eq!(sweep(scenario.clone(), 5).verdict(), Verdict::Pass);
    scenario.engine.check_quorum = Range::fixed(false);
    let message = stall(&scenario, 40, How::default());
    assert!(message.contains("all but nodes 4, 5 was healed") && message.contains("there is no leader"), "{message}");
}

#[test]
fn nodes_that_come_and_go_need_pre_votes() {
    let mut scenario = bundled("flapping-for-ever");
    assert_eq!(sweep(scenario.clone(), 5).verdict(), Verdict::Pass);
    scenario.engine.pre_vote = Range::fixed(false);
    let message = stall(&scenario, 2, How::default());
    assert!(message.contains("leaders do not stay"), "{message}");
}

#[test]
fn a_hub_that_is_up_to_date_leads_without_a_clique_because_of_check_quorum() {
    let mut scenario = bundled("quorum-loss");
    assert_eq!(sweep(scenario.clone(), 5).verdict(), Verdict::Pass);
    scenario.engine.check_quorum = Range::fixed(false);
    stall(&scenario, 2, How::default());
}

/// The stall is expected because the hub's log is behind: one that is not is reported.
#[test]
fn a_hub_that_is_behind_is_why_nobody_is_elected() {
    let mut scenario = bundled("constrained-election");
    assert_eq!(sweep(scenario.clone(), 5).verdict(), Verdict::Pass);
    scenario.faults.remove(0);
    let judged = run(&scenario, 1, How::default());
    let failure = judged.failure.expect("it is not as expected");
    assert_eq!((failure.verdict.code(), failure.property), (11, Property::Expect));
    assert!(failure.message.starts_with("found a run that passed, expected a stall"), "{}", failure.message);
}

/// Without what they expect, the two cases of a hub are runs of which nothing can be demanded.
#[test]
fn what_a_file_expects_overrides_the_oracle() {
    for name in ["quorum-loss", "constrained-election"] {
        let mut scenario = bundled(name);
        scenario.expect = Expect::Pass;
        let judged = run(&scenario, 1, How::default());
        assert_eq!((judged.verdict(), judged.verdict().code()), (Verdict::Unavailable, 0), "{name}");
        assert!(judged.outcome.is_some_and(|outcome| outcome.unavailable && outcome.violation.is_none()), "{name}");
    }
}

#[test]
fn runs_without_a_core_are_counted_apart_and_too_many_of_them_are_vacuous() {
    let few = sweep(dead(&[1, 2], ""), 3);
    let tally = &few.tallies[0];
    assert_eq!((tally.runs, tally.passed, tally.unavailable, few.failed.len()), (3, 0, 3, 0));
    assert_eq!((few.verdict(), few.verdict().code()), (Verdict::Unavailable, 0));
    let many = sweep(dead(&[1, 2], ""), RUNS_FOR_MARKS);
    assert_eq!((many.verdict(), many.verdict().code(), many.failed.len()), (Verdict::Vacuous, 15, 0));
    let expected = sweep(dead(&[1, 2], "expect: Unavailable"), RUNS_FOR_MARKS);
    assert_eq!((expected.verdict(), expected.tallies[0].passed), (Verdict::Pass, RUNS_FOR_MARKS));
    let wrong = sweep(dead(&[1], "expect: Unavailable"), 2);
    assert_eq!((wrong.verdict().code(), wrong.failed.len()), (11, 2));
    assert_eq!(wrong.failed[0].failure.message, "found a run that passed, expected a run without a core");
}

#[test]
fn who_is_dead_for_ever_is_outside_the_core_and_nothing_waits_for_it() {
    let judged = run(&dead(&[2], ""), 3, How::default());
    assert_eq!(judged.verdict(), Verdict::Pass, "{:?}", judged.failure);
    let outcome = judged.outcome.expect("it ends");
    assert_eq!(outcome.marks.get(&Mark::CoreSmallerThanCluster), Some(&1));
    assert_eq!(outcome.leaders, run(&dead(&[2], ""), 3, How::default()).outcome.expect("it ends").leaders);
}

/// The first election is the last, so whoever led when the fault that stays came leads for ever.
#[cfg(feature = "mutants")]
#[test]
fn a_cluster_that_elects_once_is_found_where_its_leader_is_lost_for_ever() {
    let how = How { bug: Some(squall_raft::mutants::Bug::Z01), ..How::default() };
    for name in ["deaf-for-ever", "mute-for-ever", "deaf-candidate", "quorum-loss"] {
        stall(&bundled(name), 2, how);
    }
}
