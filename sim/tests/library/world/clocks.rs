//! Clocks: monotone, never early, and re-armed when they change.

use proptest::prelude::*;
use squall_raft::types::NodeId;
use squall_sim::clock::{Clock, RATE_PPM_MAX, RATE_PPM_MIN};

use super::support::{Recorder, Seen, Toys, calm};
use super::toy::{MS, Observation, SECOND};

/// A step of a clock's life: how long after the one before, and its new rate or a jump.
#[derive(Clone, Debug)]
enum Change {
    Rate(u32),
    Jump(u64),
}

fn changes() -> impl Strategy<Value = Vec<(u64, Change)>> {
    let change = prop_oneof![(RATE_PPM_MIN..=RATE_PPM_MAX).prop_map(Change::Rate), (0..1u64 << 40).prop_map(Change::Jump),];
    prop::collection::vec((0..1u64 << 40, change), 0..12)
}

proptest! {
    #[test]
    fn time_never_runs_backwards(origin in 0..1u64 << 50, changes in changes(), spans in prop::collection::vec(0..1u64 << 40, 1..20)) {
        let mut clock = Clock::new(0, origin, 1_000_000);
        let (mut now, mut shown) = (0, clock.local(0));
        for (span, change) in changes {
            now += span;
            prop_assert!(clock.local(now) >= shown);
            shown = clock.local(now);
            match change {
                Change::Rate(rate) => clock.set_rate(now, rate),
                Change::Jump(by) => clock.shift(now, by),
            }
            prop_assert!(clock.local(now) >= shown);
            shown = clock.local(now);
        }
        for span in spans {
            now += span;
            prop_assert!(clock.local(now) >= shown);
            shown = clock.local(now);
        }
    }

    #[test]
    fn a_deadline_is_never_early_and_at_most_as_late_as_it_must_be(
        origin in 0..1u64 << 50, rate in RATE_PPM_MIN..=RATE_PPM_MAX, start in 0..1u64 << 50, span in 0..1u64 << 45,
    ) {
        let clock = Clock::new(start, origin, rate);
        let deadline = squall_raft::types::LocalTime(origin + span);
        let due = clock.world(deadline);
        prop_assert!(clock.local(due) >= deadline);
        prop_assert!(due == start || clock.local(due - 1) < deadline);
        // The other way round: from a time of the world to what the clock shows and back is never later.
        prop_assert!(clock.world(clock.local(start + span)) <= start + span);
    }
}

#[test]
fn the_ends_of_time_are_safe() {
    let mut clock = Clock::new(u64::MAX - 5, u64::MAX - 3, 1_200_000);
    assert_eq!(clock.local(u64::MAX).0, u64::MAX);
    assert_eq!(Clock::new(0, 0, 800_000).world(squall_raft::types::LocalTime(u64::MAX)), u64::MAX);
    clock.shift(u64::MAX, u64::MAX);
    assert_eq!(clock.local(0).0, u64::MAX);
    assert_eq!(Clock::new(0, 0, 5).rate_ppm(), RATE_PPM_MIN);
}

/// Node 2 hears nothing from the primary: its patience of 200 ms is all that wakes it.
fn impatient(change: impl FnOnce(&mut Toys, &mut Recorder)) -> Vec<u64> {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(2, calm(), &mut recorder);
    assert!(story.world.set_cut(NodeId(1), NodeId(2), true, &mut recorder));
    change(&mut story, &mut recorder);
    story.run_until(2 * SECOND, &mut recorder);
    let late = |(at_ns, seen): &(u64, &Observation)| matches!(seen, Observation::Impatient { .. }).then_some(*at_ns);
    let times: Vec<u64> = recorder.observed(2).filter_map(|seen| late(&seen)).collect();
    for (at_ns, seen) in &recorder.seen {
        let Seen::Timer { node: NodeId(2), local } = seen else { continue };
        let observed = recorder.observed(2).any(|(then_ns, o)| then_ns == *at_ns && *o == Observation::Impatient { at: *local });
        assert!(observed, "the timer fired and the process saw it");
    }
    times
}

#[test]
fn a_rate_changes_when_the_timer_fires() {
    assert_eq!(impatient(|_, _| {}), (1..=10).map(|n| n * 200 * MS).collect::<Vec<_>>());
    let fast = impatient(|story, recorder| assert!(story.world.set_clock_rate(NodeId(2), 1_200_000, recorder)));
    assert_eq!(fast[0], 166_666_667, "200 ms / 1.2, rounded up");
    assert_eq!(fast.len(), 12);
    let half_way = impatient(|story, recorder| {
        story.run_until(100 * MS, recorder);
        assert_eq!(story.world.now(), 100 * MS, "the first request is sent then");
        assert!(story.world.set_clock_rate(NodeId(2), 800_000, recorder));
    });
    assert_eq!(half_way[0], 225 * MS, "100 ms true, then 100 ms at 0.8");
    assert_eq!(half_way[1], 475 * MS);
}

#[test]
fn a_jump_forward_fires_the_timer_at_once_or_earlier() {
    let jump =
        |by_ns| move |story: &mut Toys, recorder: &mut Recorder| assert!(story.world.shift_clock(NodeId(2), by_ns, recorder));
    assert_eq!(impatient(jump(50 * MS))[..2], [150 * MS, 350 * MS]);
    assert_eq!(impatient(jump(500 * MS))[..2], [0, 200 * MS]);
}

#[test]
fn impossible_clocks_are_refused() {
    let mut story = Toys::new(2, calm(), &mut ());
    let hash = story.world.hash();
    assert!(!story.world.set_clock_rate(NodeId(2), 799_999, &mut ()));
    assert!(!story.world.set_clock_rate(NodeId(2), 1_200_001, &mut ()));
    assert!(!story.world.set_clock_rate(NodeId(9), 1_000_000, &mut ()));
    assert!(!story.world.shift_clock(NodeId(9), 1, &mut ()));
    assert_eq!(story.world.hash(), hash, "what took no effect leaves no trace");
}
