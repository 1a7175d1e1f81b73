//! The walk over crash points: what it walks, that all is well there, and how a point is written.

use std::sync::Arc;

use squall_sim::campaign::crashpoints::{Facts, Part, Point, walk};
use squall_sim::campaign::single::How;
use squall_sim::plan::Plan;
use squall_sim::run::subject::KvSubject;
use squall_sim::scenario::bundled;

fn plan(seed: u64) -> Arc<Plan> {
    let source = bundled().into_iter().find(|source| source.name == "disks/crash-points").expect("it is bundled");
    let scenario = source.scenario().expect("it is a scenario");
    Arc::new(Plan::draw(&source.name, &scenario, seed))
}

/// A part of the walk that `squall crashpoints disks/crash-points` does as a whole.
#[test]
fn the_walked_run_has_all_that_a_log_does_and_every_death_is_survived() {
    let mut told = 0;
    let part = Part { every: 60, ..Part::default() };
    let walked = walk(&plan(1), &KvSubject, How::default(), part, |_, _| told += 1).expect("valid settings");
    assert!(walked.failures.is_empty(), "{:?}", walked.failures);
    let facts = &walked.facts;
    assert!(has_all(facts), "{facts:?}");
    assert!(walked.points >= 3 * (facts.disk_operations / 60).saturating_sub(3), "three deaths at each: {walked:?}");
    assert!(walked.points + walked.recovery_points > 1_000, "{walked:?}");
    assert_eq!(told, facts.disk_operations, "somebody hears of each operation");
}

/// The seed is drawn if none is given, so hardly one may lack anything.
#[test]
fn other_seeds_walk_all_that_a_log_does_too() {
    let nothing = Part { every: u64::MAX, ..Part::default() };
    for seed in 0..24 {
        let walked = walk(&plan(seed), &KvSubject, How::default(), nothing, |_, _| {}).expect("valid settings");
        assert!(has_all(&walked.facts), "seed {seed}: {:?}", walked.facts);
    }
}

fn has_all(facts: &Facts) -> bool {
    facts.rotations >= 2 && facts.truncations_over_segments >= 1 && facts.votes >= 1 && facts.commits >= 100
}

#[test]
fn one_point_can_be_walked_alone() {
    let walk_only = |text: &str| {
        let part = Part { only: Some(text.parse().expect("a point")), ..Part::default() };
        let walked = walk(&plan(1), &KvSubject, How::default(), part, |_, _| {}).expect("valid settings");
        (walked.points, walked.recovery_points, walked.failures.len())
    };
    assert_eq!(walk_only("2:57:under:3:after"), (1, 1, 0));
    assert_eq!(walk_only("2:100000:killed"), (0, 0, 0), "there is no such operation");
}

#[test]
fn points_are_read_as_they_are_written() {
    for text in ["2:57:under", "1:1:after", "7:9:killed", "2:57:under:3:after"] {
        assert_eq!(text.parse::<Point>().expect("a point").to_string(), text);
    }
    for text in ["", "2", "2:57", "2:57:sideways", "x:57:under", "2:57:under:3", "2:57:under:3:after:1", "-1:1:after"] {
        let refused = text.parse::<Point>().expect_err(text);
        assert!(refused.contains("expected a point such as"), "{refused}");
    }
}
