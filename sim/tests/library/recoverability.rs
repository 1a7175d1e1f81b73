//! Whoever gives up without a reason is found out, whoever has one is not; and a storm of disks is the same every time.
//!
//! Not here: the arithmetic of the atlas (`run/atlas.rs`), the disk itself (`disk/tests.rs`), the bundled scenarios.

#![cfg(not(feature = "unordered"))] // With planted nondeterminism every verdict is that.

use std::sync::Arc;

use squall_checkers::violation::Property;
use squall_raft::applier::kv::Kv;
use squall_raft::node::Node;
use squall_sim::campaign::single::{How, Judged, judge};
use squall_sim::plan::Plan;
use squall_sim::run::subject::KvSubject;
use squall_sim::run::{Options, Run};
use squall_sim::scenario::{Mark, Scenario, load};
use squall_sim::world::World;

fn plan(more: &str, seed: u64) -> Arc<Plan> {
    let text = format!(r#"Scenario(nodes: 3, safety: "2s", clients: [Kv()], {more})"#);
    Arc::new(Plan::draw("brief", &Scenario::parse("brief.ron", &text).expect("a valid scenario"), seed))
}

fn run(plan: Arc<Plan>) -> Judged {
    judge(plan, &KvSubject, How::default()).expect("valid settings")
}

/// A node that refuses an empty folder where it should begin: its disk is whole, and it gives up.
#[test]
fn a_node_that_gives_up_for_nothing_violates_recoverability() {
    let lazy = |node: u64, config: &mut squall_raft::config::Config| config.initialize = node != 2;
    let run = Run::<KvSubject, World<Node<Kv>>>::with_engine(plan("", 1), KvSubject, Options::default(), lazy, &mut ());
    let run = run.expect("valid settings");
    let violation = run.finish(&mut ()).violation.expect("node 2 gives up");
    assert_eq!(violation.property, Property::Recoverability);
    assert!(violation.message.starts_with("node 2 gave up at "), "{}", violation.message);
}

#[test]
fn a_node_whose_disk_failed_may_give_up_and_is_started_again() {
    let judged = run(plan(r#"faults: [(when: At("1s"), what: DiskErrors(who: Node(2), on: [Write, Sync], times: 1))]"#, 1));
    assert_eq!(judged.failure, None);
    let marks = judged.outcome.expect("an outcome").marks;
    assert!(marks.contains_key(&Mark::DiskErrorHaltedNode) && marks.contains_key(&Mark::HaltedNodeCameBack), "{marks:?}");
}

/// Two of three disks may not be damaged, however the faults are spread.
#[test]
fn the_atlas_leaves_a_quorum_of_whole_disks() {
    for seed in 0..10 {
        let rot = r#"(when: At("1s"), what: BitRot(who: All, bits: 3, within_ppm: (0, 500_000)))"#;
        let wipe = r#"(when: At("1500ms"), lasts: "100ms", what: WipeDisk(Any))"#;
        let judged = run(plan(&format!("faults: [{rot}, {wipe}]"), seed));
        assert_eq!(judged.failure, None, "seed {seed}");
        let outcome = judged.outcome.expect("an outcome");
        assert_eq!(outcome.suppressed.get("bit_rot"), Some(&2), "seed {seed}");
        assert!(outcome.marks.contains_key(&Mark::CoreSmallerThanCluster), "seed {seed}");
    }
}

/// Every kind of fault of a disk, twice each, with and without anybody who looks.
#[test]
fn storms_of_disks_are_of_the_seed_alone() {
    let scenario = load("disks/any").expect("bundled").remove(0).scenario().expect("valid");
    for seed in 0..6 {
        let plan = Arc::new(Plan::draw("disks/any", &scenario, seed));
        let twice = How { twice: true, ..How::default() };
        let first = judge(Arc::clone(&plan), &KvSubject, twice).expect("valid settings");
        assert_eq!(first.failure, None, "seed {seed}");
        let unwatched = How { options: Options { checks: false, ..Options::default() }, ..How::default() };
        let second = judge(plan, &KvSubject, unwatched).expect("valid settings");
        let hash = |judged: &Judged| judged.outcome.as_ref().map(|outcome| (outcome.hash, outcome.events));
        assert_eq!(hash(&first), hash(&second), "seed {seed}");
    }
}
