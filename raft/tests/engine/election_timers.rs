//! Election timers: drawn anew for each wait, each node from a stream of its own, stretched by priority.
//!
//! Not here: what becomes of an election (`stories`), timers in a network (`squall-sim`).

use squall_raft::config::{Config, Elections, PRIORITY_MAX, Timing};
use squall_raft::core::{Core, Input, Restored};
use squall_raft::membership::Configuration;
use squall_raft::process::Boot;
use squall_raft::types::{BootNumber, ClusterId, LocalTime, NodeId};

fn core(entropy: u64, pre_vote: bool, priority: u8) -> Core {
    let voters = Configuration::of_voters((1..=3).map(NodeId)).expect("three voters");
    let mut config = Config::new(ClusterId(1), NodeId(1), voters);
    config.elections = Elections { pre_vote, priority, ..Elections::default() };
    Core::new(config, Boot { now: LocalTime(0), entropy, number: BootNumber(1) }, Restored::default())
}

/// How long a node that hears nothing waits before each of its attempts, in nanoseconds.
fn waits(mut core: Core, count: usize) -> Vec<u64> {
    let mut now = LocalTime(0);
    let mut wait = || {
        let due = core.deadline();
        let span = due.0 - now.0;
        now = due;
        core.handle(now, Input::Timer, &mut Vec::new());
        span
    };
    (0..count).map(|_| wait()).collect()
}

#[test]
fn every_wait_is_drawn_anew_from_the_whole_range() {
    let timing = Timing::default();
    let (min, max) = (timing.election_timeout_min_ns, timing.election_timeout_max_ns);
    for pre_vote in [false, true] {
        let mut drawn = waits(core(7, pre_vote, PRIORITY_MAX), 1_000);
        assert!(drawn.iter().all(|wait| (min..=max).contains(wait)));
        let sixteenth = (max - min) / 16;
        assert!((0..16).all(|part| drawn.iter().any(|wait| (wait - min) / sixteenth == part)), "the range is used evenly");
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() > 990, "found {} different waits", drawn.len());
    }
}

/// Nodes that were started at the same instant and never hear of each other: were their timers
/// to run out together once, the next ones would not.
#[test]
fn timers_of_different_nodes_never_run_together() {
    let nodes: Vec<Vec<u64>> = (1..=20).map(|entropy| waits(core(entropy, true, PRIORITY_MAX), 50)).collect();
    for (i, one) in nodes.iter().enumerate() {
        for other in &nodes[i + 1..] {
            assert!(one.iter().zip(other).all(|(a, b)| a.abs_diff(*b) > 10), "two nodes draw the same");
        }
    }
    // It is the entropy that keeps them apart: a driver that gives each boot the same is to blame for ties.
    assert_eq!(waits(core(1, true, PRIORITY_MAX), 50), waits(core(1, true, PRIORITY_MAX), 50));
}

#[test]
fn a_lower_priority_waits_longer_than_a_higher_one_can() {
    let timing = Timing::default();
    let width = timing.election_timeout_max_ns - timing.election_timeout_min_ns;
    for priority in 0..=PRIORITY_MAX {
        let stretch = u64::from(PRIORITY_MAX - priority) * width;
        let (min, max) = (timing.election_timeout_min_ns + stretch, timing.election_timeout_max_ns + stretch);
        assert!(waits(core(3, true, priority), 100).iter().all(|wait| (min..=max).contains(wait)), "priority {priority}");
    }
    let mut config = Config::new(ClusterId(1), NodeId(1), Configuration::of_voters([NodeId(1)]).expect("a voter"));
    config.elections.priority = PRIORITY_MAX + 1;
    assert_eq!(config.validate().expect_err("too high").field, "elections.priority");
}
