//! The rows: loaded, idle, runs; each without and with checkers. And the clones.
//!
//! Fewer messages are not speed: what a commit and an idle second cost in messages is
//! asserted. Read next: `load`, `report`.

use std::sync::Arc;

use squall_sim::run::subject::KvSubject;
use squall_sim::run::{Options, Run};
use squall_sim::scenario::Scenario;
use squall_sim::world::{Observer, World};

use super::cpu::{Bencher, Samples};
use super::load::{
    CALM, Cluster, LOSSY, MIXED, PERIOD_NS, Raft, WRITES, assert_clean, checkers, plan, run_of, run_once, scenario,
};

const SECOND_NS: u64 = 1_000_000_000;
/// Virtual time of one loaded iteration, boot and first election included.
const LOADED_NS: u64 = 10 * SECOND_NS;
/// Virtual time of one idle iteration.
const IDLE_NS: u64 = 100 * SECOND_NS;
/// Messages that a commit costs at least: an append to each of four followers, and a
/// quorum's answers.
const MESSAGES_PER_COMMIT_MIN: u64 = 5;
/// Four followers, 20 rounds each second, there and back: 160, and a beat more or less.
const MESSAGES_PER_IDLE_SECOND: std::ops::RangeInclusive<u64> = 155..=165;

/// Which row and whether checkers look at it.
pub fn name(row: &str, checks: bool) -> String {
    format!("{row}/checkers {}", if checks { "on" } else { "off" })
}

/// Five nodes, 1,000 proposals per virtual second. Counts commits.
pub fn loaded(criterion: Bencher<'_>, samples: &Samples) {
    let scenario = lossy();
    let mut seed = 0;
    samples.bench(criterion, &name("loaded", false), || {
        seed += 1;
        load_once(&plan(&scenario, seed), &mut ())
    });
    let mut seed = 0;
    samples.bench(criterion, &name("loaded", true), || {
        seed += 1;
        let plan = plan(&scenario, seed);
        let mut judge = checkers(&plan);
        let commits = load_once(&plan, &mut judge);
        assert_clean(&judge);
        commits
    });
}

fn lossy() -> Scenario {
    scenario(&format!(r#"safety: "1s", clients: [Kv()], {LOSSY}"#))
}

fn load_once(plan: &squall_sim::plan::Plan, observer: &mut impl Observer<Raft>) -> u64 {
    let mut cluster = Cluster::<World<Raft>>::boot(plan, observer);
    cluster.propose_until(LOADED_NS, observer);
    let (commits, messages) = (cluster.commits(), cluster.arena.counters().messages);
    assert!(commits > LOADED_NS / PERIOD_NS * 8 / 10, "seed {}: {commits} commits: most proposals must get through", plan.seed);
    assert!(messages >= commits * MESSAGES_PER_COMMIT_MIN, "{messages} messages for {commits} commits");
    commits
}

/// Messages and commits of one loaded iteration, for the report.
pub fn messages_per_commit() -> (u64, u64) {
    let mut cluster = Cluster::<World<Raft>>::boot(&plan(&lossy(), 1), &mut ());
    cluster.propose_until(LOADED_NS, &mut ());
    (cluster.arena.counters().messages, cluster.commits())
}

/// Five nodes that only send heartbeats. Counts virtual nanoseconds.
pub fn idle(criterion: Bencher<'_>, samples: &Samples) {
    let plan = plan(&scenario(&format!(r#"safety: "1s", clients: [Kv()], {CALM}"#)), 1);
    let mut cluster = Cluster::<World<Raft>>::boot(&plan, &mut ());
    cluster.idle_until(SECOND_NS, &mut ());
    samples.bench(criterion, &name("idle", false), || idle_once(cluster.clone(), &mut ()));
    let mut judge = checkers(&plan);
    let mut cluster = Cluster::<World<Raft>>::boot(&plan, &mut judge);
    cluster.idle_until(SECOND_NS, &mut judge);
    samples.bench(criterion, &name("idle", true), || {
        let mut judge = judge.clone();
        let virtual_ns = idle_once(cluster.clone(), &mut judge);
        assert_clean(&judge);
        virtual_ns
    });
}

fn idle_once(mut cluster: Cluster, observer: &mut impl Observer<Raft>) -> u64 {
    let before = cluster.arena.counters().messages;
    cluster.idle_until(SECOND_NS + IDLE_NS, observer);
    let per_second = (cluster.arena.counters().messages - before) * SECOND_NS / IDLE_NS;
    assert!(MESSAGES_PER_IDLE_SECOND.contains(&per_second), "{per_second} messages per virtual second");
    IDLE_NS
}

/// Whole runs, another seed each: nodes built, plan drawn, 10 virtual seconds of 100 operations each, of which
/// the last 1.2 are the healing, and the final judgement. Counts runs.
pub fn runs(criterion: Bencher<'_>, samples: &Samples) {
    for (row, clients) in [("runs", WRITES), ("runs, two fifths reads", MIXED)] {
        let scenario = run_of(LOSSY, clients);
        for checks in [false, true] {
            let mut seed = 0;
            samples.bench(criterion, &name(row, checks), || {
                seed += 1;
                run_once::<World<Raft>>(&scenario, seed, checks);
                1
            });
        }
    }
}

/// Operations that the runs of the first seeds complete, on average.
pub fn operations_per_run() -> u64 {
    const RUNS: u64 = 20;
    let scenario = run_of(LOSSY, WRITES);
    (1..=RUNS).map(|seed| run_once::<World<Raft>>(&scenario, seed, false).operations).sum::<u64>() / RUNS
}

/// Clone and drop of a world, and of a run with its checkers, with this many committed entries. Counts clones.
pub fn clones(criterion: Bencher<'_>, samples: &Samples) {
    for commits in [1_000, 100_000] {
        let mut cluster = Cluster::<World<Raft>>::boot(&plan(&lossy(), 1), &mut ());
        while cluster.commits() < commits {
            let until_ns = cluster.arena.now() + (commits - cluster.commits()).max(10) * PERIOD_NS;
            cluster.propose_until(until_ns, &mut ());
        }
        samples.bench(criterion, &format!("world_clone/{commits}"), || {
            std::hint::black_box(cluster.clone());
            1
        });
        let run = run_with(commits);
        samples.bench(criterion, &format!("run_clone/{commits}"), || {
            std::hint::black_box(run.clone());
            1
        });
    }
}

fn run_with(commits: u64) -> Run<KvSubject> {
    let clients =
        r#"clients: [Kv(count: 50, keys: 5, load: Rate(per_second: 40), mix: (get: 0, put: 1, append: 0, cas: 0, delete: 0))],"#;
    let plan = plan(&scenario(&format!(r#"safety: "100s", {LOSSY} {clients}"#)), 1);
    let mut run = Run::new(Arc::new(plan), KvSubject, Options::default(), &mut ()).unwrap_or_else(|error| panic!("{error}"));
    let committed = |run: &Run<KvSubject>| {
        let world = run.arena();
        world.nodes().filter_map(|node| Some(world.process(node)?.core()?.commit_index().0)).max().unwrap_or(0)
    };
    while committed(&run) < commits {
        assert!(!run.is_over(), "{} commits", committed(&run));
        (0..1_000).for_each(|_| run.step(&mut ()));
    }
    run
}
