//! A paused process takes nothing, and then everything in order.

use squall_raft::types::NodeId;
use squall_sim::world::Status;

use super::support::{Recorder, Seen, Toys, calm};
use super::toy::{MS, Observation, SECOND};

#[test]
fn what_arrives_is_held_and_delivered_in_order() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    story.run_until(SECOND, &mut recorder);
    let before = story.world.local_now(NodeId(2)).unwrap();
    assert!(story.world.pause(NodeId(2), &mut recorder));
    assert!(!story.world.pause(NodeId(2), &mut recorder));
    let paused = recorder.seen.len();
    story.run_until(2 * SECOND, &mut recorder);
    assert_eq!(story.world.status(NodeId(2)), Some(Status::Paused));
    let of_node_2 = |(_, seen): &&(u64, Seen)| match seen {
        Seen::Delivered { to, .. } => *to == NodeId(2),
        Seen::Observed { node, .. } | Seen::Timer { node, .. } => *node == NodeId(2),
        _ => false,
    };
    assert_eq!(recorder.seen[paused..].iter().filter(of_node_2).count(), 0, "it takes nothing");
    let held = recorder.seen.iter().filter(|(_, seen)| *seen == Seen::Held { node: NodeId(2) }).count() as u64;
    assert!(held > 100);

    assert!(story.world.resume(NodeId(2), &mut recorder));
    let resumed = recorder.seen.len();
    assert_eq!(recorder.seen.last().unwrap().1, Seen::Resumed { node: NodeId(2), waiting: held });
    story.run_until(story.world.now(), &mut recorder);
    let pings: Vec<u64> = recorder
        .observed(2)
        .filter_map(|(_, seen)| match seen {
            Observation::Ping { number } => Some(*number),
            _ => None,
        })
        .collect();
    assert!(pings.is_sorted() && pings.len() > 90);
    let delivered = recorder.seen[resumed..].iter().filter(|(_, seen)| matches!(seen, Seen::Delivered { to: NodeId(2), .. }));
    assert!(delivered.count() as u64 > held / 2, "all at the instant at which it goes on");
    let after = story.world.local_now(NodeId(2)).unwrap();
    assert!(after.0 - before.0 > 900 * MS, "its clock ran on");
    let timers = recorder.seen[resumed..].iter().filter(|(_, seen)| matches!(seen, Seen::Timer { node: NodeId(2), .. }));
    assert!(timers.count() <= 1, "a deadline that passed fires once, unless what was held moved it");
    story.run_until(3 * SECOND, &mut recorder);
    let last = recorder.observed(2).last().unwrap().0;
    assert!(last > 3 * SECOND - 100 * MS, "it goes on as before");
}

#[test]
fn the_disk_of_a_paused_process_works_on() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    story.interval_ns = MS;
    story.run_until(SECOND, &mut recorder);
    while story.world.disk(NodeId(2)).unwrap().unsynced() == 0 {
        story.world.step(&mut recorder);
    }
    assert!(story.world.pause(NodeId(2), &mut recorder));
    let now = story.world.now();
    while story.world.next_at().unwrap() < now + 50 * MS {
        story.world.step(&mut recorder);
    }
    assert_eq!(story.world.disk(NodeId(2)).unwrap().unsynced(), 0);
}

#[test]
fn pausing_again_while_held_inputs_are_handed_over_keeps_the_order() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    story.interval_ns = MS;
    for n in 0..200 {
        story.run_until(SECOND + n * 10 * MS, &mut recorder);
        if n % 2 == 0 {
            assert!(story.world.pause(NodeId(2), &mut recorder));
        } else {
            assert!(story.world.resume(NodeId(2), &mut recorder));
            for _ in 0..n % 7 {
                story.world.step(&mut recorder);
            }
            assert!(story.world.pause(NodeId(2), &mut recorder));
            assert!(story.world.resume(NodeId(2), &mut recorder));
        }
    }
    let pings: Vec<u64> = recorder
        .observed(2)
        .filter_map(|(_, seen)| match seen {
            Observation::Ping { number } => Some(*number),
            _ => None,
        })
        .collect();
    assert!(pings.len() > 100);
    assert_eq!(pings, (1..=pings.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_kill_forgets_what_was_held() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    story.run_until(SECOND, &mut recorder);
    assert!(story.world.pause(NodeId(2), &mut recorder));
    story.run_until(SECOND + 500 * MS, &mut recorder);
    assert!(story.world.kill(NodeId(2), &mut recorder));
    assert!(story.world.start(NodeId(2), &mut recorder));
    let started = recorder.seen.len();
    story.run_until(2 * SECOND, &mut recorder);
    let first = recorder.seen[started..].iter().find_map(|(at_ns, seen)| match seen {
        Seen::Observed { node: NodeId(2), observation: Observation::Ping { number } } => Some((*at_ns, *number)),
        _ => None,
    });
    let (at_ns, number) = first.expect("it hears pings again");
    assert!(number >= (at_ns - 30 * MS) / (20 * MS) - 1, "ping {number} at {at_ns} is an old one");
}
