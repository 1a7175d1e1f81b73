//! Branches of real Raft: a clone and its original run alike to equal hashes, and run
//! differently without disturbing each other.
//!
//! What toy processes show of worlds (`world/determinism.rs`) is shown here with engine,
//! disks, clients and checkers, whose histories share chunks between branches.

use std::sync::Arc;

use squall_raft::applier::kv::Kv;
use squall_raft::core::role::Role;
use squall_raft::node::Node;
use squall_raft::types::NodeId;
use squall_sim::plan::Plan;
use squall_sim::run::subject::KvSubject;
use squall_sim::run::{Options, Run};
use squall_sim::scenario;
use squall_sim::world::World;

const SECOND_NS: u64 = 1_000_000_000;

type Raft = World<Node<Kv>>;

fn run(name: &str, seed: u64) -> Run<KvSubject> {
    let source = &scenario::load(name).expect("a bundled scenario")[0];
    let plan = Plan::draw(name, &source.scenario().expect("a valid scenario"), seed);
    Run::new(Arc::new(plan), KvSubject, Options::default(), &mut ()).expect("settings that the engine takes")
}

fn run_until(run: &mut Run<KvSubject>, until_ns: u64) {
    while run.now_ns() < until_ns && !run.is_over() {
        run.step(&mut ());
    }
}

fn leader(world: &Raft) -> Option<(u64, NodeId)> {
    let leading = world.nodes().filter_map(|node| {
        let core = world.process(node)?.core()?;
        matches!(core.role(), Role::Leader(_)).then(|| (core.hard_state().term.0, node))
    });
    leading.max()
}

#[test]
fn a_clone_and_its_original_run_alike() {
    for name in ["leader-power-loss-between-append-and-fsync", "lossy-network", "rolling-restarts", "swarm"] {
        for seed in 1..=3 {
            let alone = run(name, seed).finish(&mut ());
            let mut original = run(name, seed);
            run_until(&mut original, 3 * SECOND_NS);
            let mut clone = original.clone();
            // Alternately, so that what they share is written by both.
            for until_ns in (3 * SECOND_NS..6 * SECOND_NS).step_by(50_000_000) {
                run_until(&mut original, until_ns);
                run_until(&mut clone, until_ns);
            }
            let (original, clone) = (original.finish(&mut ()), clone.finish(&mut ()));
            assert!(alone.violation.is_none(), "{name} {seed}: {:?}", alone.violation);
            for (who, outcome) in [("original", &original), ("clone", &clone)] {
                assert_eq!(outcome.hash, alone.hash, "{name} {seed}: {who}");
                assert_eq!(outcome.operations, alone.operations, "{name} {seed}: {who}");
                assert_eq!(outcome.marks, alone.marks, "{name} {seed}: {who}");
                assert!(outcome.violation.is_none(), "{name} {seed}: {who}: {:?}", outcome.violation);
            }
        }
    }
}

/// A branch of the world loses its leader; the run that it was taken from never notices.
#[test]
fn a_kill_in_a_branch_disturbs_nobody_else() {
    for seed in 1..=5 {
        let alone = run("calm", seed).finish(&mut ());
        let mut undisturbed = run("calm", seed);
        run_until(&mut undisturbed, 2 * SECOND_NS);
        let mut branch = undisturbed.arena().clone();
        let (term, led) = leader(&branch).expect("a leader after two calm seconds");
        assert!(branch.kill(led, &mut ()));
        let branched_at = (branch.hash(), branch.events());
        assert_ne!(branched_at.0, undisturbed.arena().hash(), "the kill is an event");
        for until_ns in (2 * SECOND_NS..5 * SECOND_NS).step_by(50_000_000) {
            run_until(&mut undisturbed, until_ns);
            while branch.next_at().is_some_and(|at_ns| at_ns < until_ns) {
                branch.step(&mut ());
            }
        }
        let (new_term, leads) = leader(&branch).expect("the others elect a leader");
        assert!(new_term > term && leads != led, "seed {seed}: {leads} leads in term {new_term}");
        assert_eq!(leader(undisturbed.arena()), Some((term, led)), "seed {seed}");
        assert_eq!(undisturbed.finish(&mut ()).hash, alone.hash, "seed {seed}");
    }
}

/// The other way round: the original is struck by power losses, the clone goes on.
#[test]
fn a_power_loss_in_the_original_spares_its_clone() {
    let mut run = run("calm", 7);
    run_until(&mut run, 2 * SECOND_NS);
    let (mut struck, mut spared, mut twin) = (run.arena().clone(), run.arena().clone(), run.arena().clone());
    for node in 1..=3 {
        assert!(struck.power_loss(NodeId(node), &mut ()));
        assert!(struck.start(NodeId(node), &mut ()));
    }
    for world in [&mut struck, &mut spared, &mut twin] {
        while world.next_at().is_some_and(|at_ns| at_ns < 4 * SECOND_NS) {
            world.step(&mut ());
        }
    }
    assert_eq!((spared.hash(), spared.events()), (twin.hash(), twin.events()));
    assert_ne!(struck.hash(), spared.hash());
    let log = |world: &Raft| world.process(NodeId(4)).and_then(Node::core).map(|core| core.log().last());
    assert_eq!(log(&spared), log(&twin));
}
