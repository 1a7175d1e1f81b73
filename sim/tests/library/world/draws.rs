//! Draws are stateless: taking one fault away leaves every other draw as it was.

use std::collections::BTreeMap;

use squall_raft::types::NodeId;
use squall_sim::network::{Fate, LinkWeather};

use super::support::{Recorder, Seen, Toys, calm, eventful, stormy};
use super::toy::{MS, SECOND, Toy};

/// Link, slot, ordinal in the slot.
type Label = (NodeId, NodeId, u64, u64);

fn fates(recorder: &Recorder) -> BTreeMap<Label, Fate> {
    let mut fates = BTreeMap::new();
    let mut last: BTreeMap<(NodeId, NodeId), (u64, u64)> = BTreeMap::new();
    for (at_ns, seen) in &recorder.seen {
        if let Seen::Sent { from, to, fate, .. } = seen {
            let (slot, ordinal) = last.entry((*from, *to)).or_insert((u64::MAX, 0));
            *ordinal = if *slot == at_ns / MS { *ordinal + 1 } else { 0 };
            *slot = at_ns / MS;
            fates.insert((*from, *to, *slot, *ordinal), *fate);
        }
    }
    fates
}

fn run(fault: impl FnOnce(&mut Toys, &mut Recorder)) -> BTreeMap<Label, Fate> {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(11, stormy(), &mut recorder);
    story.run_until(SECOND / 2, &mut recorder);
    fault(&mut story, &mut recorder);
    story.run_until(2 * SECOND, &mut recorder);
    fates(&recorder)
}

/// All messages that both runs sent had the same fate, cuts aside; there are many, and the runs did differ.
fn assert_aligned(with: &BTreeMap<Label, Fate>, without: &BTreeMap<Label, Fate>) {
    let common = with.iter().filter_map(|(label, fate)| Some((label, fate, without.get(label)?)));
    let drawn: Vec<_> = common.filter(|(_, one, other)| !one.cut && !other.cut).collect();
    assert!(drawn.len() > 500, "only {} in common", drawn.len());
    for (label, one, other) in drawn {
        assert_eq!(one, other, "{label:?}");
    }
    assert_ne!(with, without, "the fault did nothing");
}

#[test]
fn a_cut_leaves_the_other_draws() {
    let cut = |story: &mut Toys, recorder: &mut Recorder| {
        assert!(story.world.set_cut(NodeId(1), NodeId(3), true, recorder));
    };
    assert_aligned(&run(cut), &run(|_, _| {}));
}

#[test]
fn a_kill_leaves_the_other_draws() {
    let kill = |story: &mut Toys, recorder: &mut Recorder| {
        assert!(story.world.kill(NodeId(3), recorder));
        story.run_until(SECOND, recorder);
        assert!(story.world.start(NodeId(3), recorder));
    };
    assert_aligned(&run(kill), &run(|_, _| {}));
}

#[test]
fn loss_on_one_link_leaves_the_other_links() {
    let loss = |story: &mut Toys, recorder: &mut Recorder| {
        let weather = LinkWeather { loss_ppm: 600_000, ..stormy().links };
        assert!(story.world.set_link_weather(NodeId(1), NodeId(3), weather, recorder));
    };
    let (with, without) = (run(loss), run(|_, _| {}));
    let lost = |fates: &BTreeMap<Label, Fate>| fates.values().filter(|fate| fate.lost).count();
    assert!(lost(&with) > 2 * lost(&without));
    let elsewhere = |(label, _): &(Label, Fate)| (label.0, label.1) != (NodeId(1), NodeId(3));
    assert_aligned(&with.clone().into_iter().filter(elsewhere).collect(), &without.clone());
    // On the link itself, what was lost before is lost still and what arrives is as fast as before.
    let common = with.iter().filter_map(|(label, fate)| Some((fate, without.get(label)?)));
    for (more, less) in common {
        assert!(more.lost || !less.lost);
        assert!(more.lost || more == less);
    }
}

#[test]
fn a_lost_message_takes_its_ordinal() {
    // With all messages lost, none is answered: the pings alone remain, and they draw as ever.
    let all_lost = |story: &mut Toys, recorder: &mut Recorder| {
        for to in [2, 3].map(NodeId) {
            let weather = LinkWeather { loss_ppm: 1_000_000, ..stormy().links };
            assert!(story.world.set_link_weather(NodeId(1), to, weather, recorder));
        }
    };
    let (with, without) = (run(all_lost), run(|_, _| {}));
    let delays = with.iter().filter(|(label, fate)| label.3 > 0 && fate.lost && label.2 > 500);
    let again = delays.filter_map(|(label, fate)| Some((fate, without.get(label)?))).filter(|(_, other)| !other.reordered);
    let checked = again.map(|(fate, other)| assert_eq!(fate.delay_ns, other.delay_ns)).count();
    assert!(checked > 5, "only {checked} messages shared a slot");
}

#[test]
fn a_clock_offset_leaves_the_message_schedule() {
    let schedule = |offset_ns: u64| {
        let mut recorder = Recorder::default();
        let mut world =
            squall_sim::world::World::<Toy>::new(squall_sim::entropy::Entropy::new(3), super::support::configs(3), calm());
        assert!(world.set_clock_offset(NodeId(2), offset_ns, &mut recorder));
        let mut story = Toys::with(world, &mut recorder);
        (1..=3).for_each(|n| assert!(story.world.start(NodeId(n), &mut recorder)));
        eventful(&mut story, &mut recorder);
        let messages = |(_, seen): &(u64, Seen)| matches!(seen, Seen::Sent { .. } | Seen::Delivered { .. });
        let boots: Vec<_> = recorder.seen.iter().filter(|(_, seen)| matches!(seen, Seen::Booted { .. })).cloned().collect();
        let sent: Vec<_> = recorder.seen.into_iter().filter(messages).collect();
        assert!(sent.len() > 1000);
        (sent, boots, story.replies)
    };
    let (plain, plain_boots, plain_replies) = schedule(0);
    let (offset, offset_boots, offset_replies) = schedule(123_456_789_012);
    assert_eq!(plain, offset);
    assert_eq!(plain_replies, offset_replies);
    assert_ne!(plain_boots, offset_boots, "the offset was there");
}
