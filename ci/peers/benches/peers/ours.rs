//! The rows as Squall's world does them: with disk, clients, answers and trace hash; with
//! checkers and without. The same work as `cargo bench -p squall-sim` does.

use std::sync::LazyLock;

use squall_sim::plan::Plan;
use squall_sim::scenario::Scenario;
use squall_sim::world::Observer;

use crate::load::{CALM, Cluster, LOSSY, PERIOD_NS, Raft, assert_clean, checkers, plan, run_of, run_once, scenario};
use crate::rows::{IDLE_NS, LOADED_NS, MESSAGES_PER_IDLE_SECOND, SECOND_NS};
use crate::sample::Work;

/// Counts commits.
pub fn loaded(seed: u64) -> Work {
    load_once(&loaded_plan(seed), &mut ())
}

/// Counts commits that all online checkers looked at.
pub fn loaded_checked(seed: u64) -> Work {
    let plan = loaded_plan(seed);
    let mut judge = checkers(&plan);
    let work = load_once(&plan, &mut judge);
    assert_clean(&judge);
    work
}

fn loaded_plan(seed: u64) -> Plan {
    static LOADED: LazyLock<Scenario> = LazyLock::new(|| scenario(&format!(r#"safety: "1s", clients: [Kv()], {LOSSY}"#)));
    plan(&LOADED, seed)
}

fn load_once(plan: &Plan, observer: &mut impl Observer<Raft>) -> Work {
    let mut cluster = Cluster::boot(plan, observer);
    cluster.propose_until(LOADED_NS, observer);
    let (commits, messages) = (cluster.commits(), cluster.world.counters().messages);
    assert!(commits > LOADED_NS / PERIOD_NS * 8 / 10, "seed {}: {commits} commits", plan.seed);
    Work { amount: commits, messages, operations: 0 }
}

/// Counts virtual nanoseconds.
pub fn idle() -> impl FnMut(u64) -> Work {
    let mut cluster = Cluster::boot(&idle_plan(), &mut ());
    cluster.idle_until(SECOND_NS, &mut ());
    move |_| idle_once(cluster.clone(), &mut ())
}

/// Counts virtual nanoseconds that all online checkers looked at.
pub fn idle_checked() -> impl FnMut(u64) -> Work {
    let plan = idle_plan();
    let mut judge = checkers(&plan);
    let mut cluster = Cluster::boot(&plan, &mut judge);
    cluster.idle_until(SECOND_NS, &mut judge);
    move |_| {
        let mut judge = judge.clone();
        let work = idle_once(cluster.clone(), &mut judge);
        assert_clean(&judge);
        work
    }
}

fn idle_plan() -> Plan {
    plan(&scenario(&format!(r#"safety: "1s", clients: [Kv()], {CALM}"#)), 1)
}

fn idle_once(mut cluster: Cluster, observer: &mut impl Observer<Raft>) -> Work {
    let before = cluster.world.counters().messages;
    cluster.idle_until(SECOND_NS + IDLE_NS, observer);
    let messages = cluster.world.counters().messages - before;
    let per_second = messages * SECOND_NS / IDLE_NS;
    assert!(MESSAGES_PER_IDLE_SECOND.contains(&per_second), "{per_second} messages per virtual second");
    Work { amount: IDLE_NS, messages, operations: 0 }
}

/// Counts runs of these clients.
pub fn run(clients: &str, checks: bool) -> impl FnMut(u64) -> Work + use<> {
    let scenario = run_of(clients);
    move |seed| {
        let outcome = run_once(&scenario, seed, checks);
        Work { amount: 1, messages: outcome.messages, operations: outcome.operations }
    }
}
