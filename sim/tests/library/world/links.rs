//! Links: queues per lane, cuts in one direction, loss, copies, and reordering only when asked for.

use squall_raft::process::{Label as _, Lane};
use squall_raft::types::NodeId;
use squall_sim::network::LinkWeather;
use squall_sim::world::{ClientId, DropReason, RequestHandle};

use super::support::{Recorder, Seen, Toys, calm};
use super::toy::{MS, Message, Request, SECOND};

fn run(links: LinkWeather) -> (Toys, Recorder) {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, squall_sim::world::Settings { links, ..calm() }, &mut recorder);
    story.interval_ns = MS;
    story.run_until(2 * SECOND, &mut recorder);
    (story, recorder)
}

/// The numbers of the messages of a lane from node 1 to node 2: as sent, and as delivered.
fn order(recorder: &Recorder, lane: Lane) -> (Vec<u64>, Vec<u64>) {
    let (mut sent, mut delivered) = (Vec::new(), Vec::new());
    for (_, seen) in &recorder.seen {
        match seen {
            Seen::Sent { from: NodeId(1), to: NodeId(2), message, fate, .. } if message.lane() == lane && fate.arrives() => {
                sent.push(message.label().last_index);
            }
            Seen::Delivered { from: NodeId(1), to: NodeId(2), message, copy: false } if message.lane() == lane => {
                delivered.push(message.label().last_index);
            }
            _ => {}
        }
    }
    sent.truncate(delivered.len());
    (sent, delivered)
}

#[test]
fn lanes_are_queues_unless_reordering_is_asked_for() {
    let (_, calm) = run(LinkWeather::calm(MS, 10 * MS));
    let (sent, delivered) = order(&calm, Lane::Bulk);
    assert!(delivered.len() > 1000);
    assert_eq!(sent, delivered);
    let weather = LinkWeather { reorder_ppm: 100_000, extra_min_ns: MS, extra_max_ns: 5 * MS, ..LinkWeather::calm(MS, 10 * MS) };
    let (story, reordering) = run(weather);
    let (sent, delivered) = order(&reordering, Lane::Bulk);
    assert_ne!(sent, delivered);
    assert!(story.world.counters().reordered > 100);
}

#[test]
fn a_copy_is_a_second_delivery_and_never_the_only_one() {
    let weather =
        LinkWeather { duplicate_ppm: 200_000, extra_min_ns: 0, extra_max_ns: 20 * MS, ..LinkWeather::calm(MS, 10 * MS) };
    let (story, recorder) = run(weather);
    let delivered = |of_copies: bool| {
        recorder.seen.iter().filter(|(_, seen)| matches!(seen, Seen::Delivered { copy, .. } if *copy == of_copies)).count() as u64
    };
    let counters = story.world.counters();
    assert!(delivered(true) > 200);
    assert!(counters.duplicated - delivered(true) < 20, "copies arrive, up to those still in flight");
    assert!(counters.messages - delivered(false) < 50, "no original was replaced");
    assert_eq!(delivered(true) + delivered(false), counters.delivered);
}

#[test]
fn a_reset_takes_what_is_under_way_both_ways_and_nothing_else() {
    let mut recorder = Recorder::default();
    let weather = LinkWeather { duplicate_ppm: 200_000, extra_max_ns: 20 * MS, ..LinkWeather::calm(20 * MS, 40 * MS) };
    let mut story = Toys::new(2, squall_sim::world::Settings { links: weather, ..calm() }, &mut recorder);
    story.interval_ns = MS;
    story.run_until(SECOND, &mut recorder);
    let before = recorder.seen.len();
    assert!(story.world.reset(NodeId(2), NodeId(1), &mut recorder));
    let [(_, Seen::Reset { in_flight })] = recorder.seen[before..] else { panic!("one event: {:?}", &recorder.seen[before..]) };
    assert!(in_flight > 20, "{in_flight}");
    story.run_until(2 * SECOND, &mut recorder);
    let after = &recorder.seen[before..];
    let dropped = |from: u64, to: u64| {
        let wanted = (NodeId(from), NodeId(to));
        let lost = |(_, seen): &&(u64, Seen)| matches!(seen, Seen::Dropped { from, to, why: DropReason::Reset } if (*from, *to) == wanted);
        after.iter().filter(lost).count() as u64
    };
    assert!(dropped(1, 2) > 0 && dropped(2, 1) > 0);
    assert_eq!(dropped(1, 2) + dropped(2, 1), in_flight, "all of it is lost, copies too");
    assert_eq!(story.world.counters().reset, in_flight, "and nothing else");
    let first = after.iter().find(|(_, seen)| matches!(seen, Seen::Delivered { from: NodeId(1), to: NodeId(2), .. }));
    assert!(first.is_some_and(|(at_ns, _)| (SECOND + 20 * MS..SECOND + 60 * MS).contains(at_ns)), "a new connection begins");
}

#[test]
fn there_is_nothing_to_reset_where_nobody_runs_or_to_oneself() {
    let mut story = Toys::new(2, calm(), &mut ());
    story.run_until(SECOND, &mut ());
    let before = (story.world.hash(), story.world.events());
    assert!(!story.world.reset(NodeId(1), NodeId(1), &mut ()));
    assert!(!story.world.reset(NodeId(1), NodeId(9), &mut ()));
    assert_eq!((story.world.hash(), story.world.events()), before);
    assert!(story.world.kill(NodeId(2), &mut ()) && !story.world.reset(NodeId(1), NodeId(2), &mut ()));
}

#[test]
fn a_one_way_cut_stops_one_way() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    story.run_until(SECOND, &mut recorder);
    assert!(story.world.set_cut(NodeId(2), NodeId(1), true, &mut recorder));
    let start = recorder.seen.len();
    story.run_until(2 * SECOND, &mut recorder);
    let delivered = |from: u64, to: u64| {
        let wanted = (NodeId(from), NodeId(to));
        let of_link = |(_, seen): &&(u64, Seen)| matches!(seen, Seen::Delivered { from, to, .. } if (*from, *to) == wanted);
        recorder.seen[start..].iter().filter(of_link).count()
    };
    assert_eq!(delivered(2, 1), 0);
    assert!(delivered(1, 2) > 100);
    let in_flight = |(_, seen): &&(u64, Seen)| matches!(seen, Seen::Dropped { why: DropReason::Cut, .. });
    assert!(recorder.seen[start..].iter().filter(in_flight).count() > 0, "what was in flight is dropped on arrival");
    assert!(story.world.is_cut(NodeId(2), NodeId(1)) && !story.world.is_cut(NodeId(1), NodeId(2)));
}

#[test]
fn overlapping_cuts_heal_with_the_last_one() {
    let mut story = Toys::new(2, calm(), &mut ());
    let (from, to) = (NodeId(1), NodeId(2));
    for (cut, is_cut) in [(true, true), (true, true), (false, true), (false, false)] {
        assert!(story.world.set_cut(from, to, cut, &mut ()));
        assert_eq!(story.world.is_cut(from, to), is_cut);
    }
    assert!(!story.world.set_cut(from, to, false, &mut ()), "there is none to take away");
    assert!(!story.world.set_cut(from, NodeId(9), true, &mut ()), "there is no such link");
}

#[test]
fn messages_outlive_their_sender() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    let pings = |recorder: &Recorder| {
        recorder.seen.iter().filter(|(_, seen)| matches!(seen, Seen::Sent { message: Message::Ping { .. }, .. })).count()
    };
    while pings(&recorder) < 2 {
        story.world.step(&mut recorder);
    }
    assert!(story.world.kill(NodeId(1), &mut recorder));
    story.run_until(SECOND / 10, &mut recorder);
    let heard = [2, 3].map(|node| recorder.observed(node).any(|(_, seen)| *seen == super::toy::Observation::Ping { number: 1 }));
    assert_eq!(heard, [true, true]);
}

#[test]
fn clients_are_answered_over_links_of_their_own() {
    let mut recorder = Recorder::default();
    let lossy = LinkWeather { loss_ppm: 100_000, duplicate_ppm: 100_000, extra_max_ns: 50 * MS, ..calm().client_links };
    let settings = squall_sim::world::Settings { client_links: lossy, ..calm() };
    let mut story = Toys::new(2, settings, &mut recorder);
    story.run_until(4 * SECOND, &mut recorder);
    let mut handles: Vec<_> = story.replies.iter().map(|(_, handle, _)| *handle).collect();
    let replies = handles.len();
    handles.sort_unstable();
    handles.dedup();
    let asked = story.world.counters().requests;
    assert!((handles.len() as u64) < asked * 9 / 10, "some requests or replies are lost");
    assert!(handles.len() < replies, "some are answered twice");
    assert!(handles.len() as u64 > asked * 7 / 10);
    // A cut towards one client leaves the other alone.
    assert!(story.world.set_client_cut(ClientId(0), NodeId(1), true, &mut recorder));
    let (before, heard) = (story.replies.len(), story.world.now());
    story.run_until(5 * SECOND, &mut recorder);
    assert!(story.replies.len() > before + 50);
    assert!(story.replies[before..].iter().all(|(at_ns, handle, _)| handle.0 % 2 == 1 && *at_ns > heard));
    let unknown = story.world.request(ClientId(7), RequestHandle(0), NodeId(1), Request::Count, &mut recorder);
    assert!(!unknown);
}
