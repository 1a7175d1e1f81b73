//! The rows as Squall's arenas do them: with disk, clients, answers and trace hash; with
//! checkers and without. In the world, the same work as `cargo bench -p squall-sim` does.

use squall_sim::plan::Plan;
use squall_sim::world::{Observer, World};

use crate::load::{CALM, Cluster, LOSSY, PERIOD_NS, Raft, assert_clean, checkers, plan, run_of, run_once, scenario};
use crate::rows::{IDLE_NS, LOADED_NS, SECOND_NS, checked_idle};
use crate::sample::Work;

/// Counts commits.
pub fn loaded(seed: u64) -> Work {
    load_once(&loaded_plan(LOSSY, seed), &mut ())
}

/// Counts commits; nothing is lost.
pub fn loaded_calm(seed: u64) -> Work {
    load_once(&loaded_plan(CALM, seed), &mut ())
}

/// Counts commits that all online checkers looked at.
pub fn loaded_checked(seed: u64) -> Work {
    let plan = loaded_plan(LOSSY, seed);
    let mut judge = checkers(&plan);
    let work = load_once(&plan, &mut judge);
    assert_clean(&judge);
    work
}

fn loaded_plan(network: &str, seed: u64) -> Plan {
    plan(&scenario(&format!(r#"safety: "1s", clients: [Kv()], {network}"#)), seed)
}

fn load_once(plan: &Plan, observer: &mut impl Observer<Raft>) -> Work {
    let mut cluster = Cluster::<World<Raft>>::boot(plan, observer);
    cluster.propose_until(LOADED_NS, observer);
    let (commits, messages) = (cluster.commits(), cluster.arena.counters().messages);
    assert!(commits > LOADED_NS / PERIOD_NS * 8 / 10, "seed {}: {commits} commits", plan.seed);
    Work { amount: commits, messages, ..Work::default() }
}

/// Counts virtual nanoseconds.
pub fn idle() -> impl FnMut(u64) -> Work {
    let mut cluster = Cluster::<World<Raft>>::boot(&idle_plan(), &mut ());
    cluster.idle_until(SECOND_NS, &mut ());
    move |_| idle_once(cluster.clone(), &mut ())
}

/// Counts virtual nanoseconds that all online checkers looked at.
pub fn idle_checked() -> impl FnMut(u64) -> Work {
    let plan = idle_plan();
    let mut judge = checkers(&plan);
    let mut cluster = Cluster::<World<Raft>>::boot(&plan, &mut judge);
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
    let before = cluster.arena.counters().messages;
    cluster.idle_until(SECOND_NS + IDLE_NS, observer);
    Work { amount: IDLE_NS, messages: checked_idle(cluster.arena.counters().messages - before), ..Work::default() }
}

/// Counts runs of these clients.
pub fn run(network: &str, clients: &str, checks: bool) -> impl FnMut(u64) -> Work + use<> {
    let scenario = run_of(network, clients);
    move |seed| {
        let outcome = run_once::<World<Raft>>(&scenario, seed, checks);
        Work { amount: 1, messages: outcome.messages, operations: outcome.operations, ..Work::default() }
    }
}

/// The driver on madsim, on a fresh thread each time.
#[cfg(madsim)]
pub mod streams {
    use squall_raft::applier::kv::Kv;
    use squall_sim::arena::Arena as _;
    use squall_sim::arena::madsim::Madsim;
    use squall_sim::campaign::sweep::cpu_ns;
    use squall_sim::world::Step;

    use super::idle_plan;
    use crate::load::{CALM, Cluster, run_of, run_once};
    use crate::rows::{IDLE_NS, SECOND_NS, checked_idle};
    use crate::sample::{Work, apart};

    /// Counts virtual nanoseconds, the first two seconds left out.
    pub fn idle() -> Work {
        apart(|| {
            let mut cluster = Cluster::<Madsim<Kv>>::boot(&idle_plan(), &mut ());
            idle_until(&mut cluster, 2 * SECOND_NS);
            let (before, began_ns) = (cluster.arena.counters().messages, cpu_ns());
            idle_until(&mut cluster, 2 * SECOND_NS + IDLE_NS);
            let apart_ns = cpu_ns() - began_ns;
            let messages = checked_idle(cluster.arena.counters().messages - before);
            Work { amount: IDLE_NS, messages, apart_ns, ..Work::default() }
        })
    }

    fn idle_until(cluster: &mut Cluster<Madsim<Kv>>, until_ns: u64) {
        cluster.arena.wake_at(until_ns, 0, &mut ());
        while !matches!(cluster.arena.step(&mut ()), Step::External { .. }) {}
    }

    /// Counts runs of these clients.
    pub fn run(clients: &'static str, checks: bool) -> impl FnMut(u64) -> Work {
        move |seed| {
            apart(move || {
                let outcome = run_once::<Madsim<Kv>>(&run_of(CALM, clients), seed, checks);
                Work {
                    amount: 1,
                    messages: outcome.messages,
                    operations: outcome.operations,
                    apart_ns: cpu_ns(),
                    ..Work::default()
                }
            })
        }
    }
}
