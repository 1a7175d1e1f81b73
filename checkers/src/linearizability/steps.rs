//! The ways on which a search reached its configurations, and the order at the end of one.
//!
//! A way is remembered as what was taken at which return; what became free or was absorbed
//! on it follows from the rules, so it is worked out once more for the one way that counts.
//! Not here: the rules (`pending`).

use super::config::Config;
use super::partition::{Event, NEVER, Partition, position};
use super::pending::{Pending, Slots, Witness};
use super::search::Borrowed;
use super::states::{Rules, States};
use crate::model::Model;
use crate::mutants::Bug;

/// An operation that took effect, linked to the one before it.
#[derive(Debug, Clone, Copy)]
struct Step {
    before: u32,
    /// Before which return, counted from 1.
    now: u32,
    operation: u32,
}

/// The beginning of all ways.
pub(super) const START: u32 = 0;

/// All steps that configurations of the frontier came by.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// When to look for steps that lead nowhere.
    crowded_at: usize,
}

impl Steps {
    pub(super) fn new() -> Self {
        Self { steps: vec![Step { before: START, now: 0, operation: NEVER }], crowded_at: 1 << 16 }
    }

    pub(super) fn push(&mut self, before: u32, now: u64, operation: u32) -> u32 {
        let now = u32::try_from(now).expect("there are fewer returns than 2^32");
        self.steps.push(Step { before, now, operation });
        position(self.steps.len() - 1)
    }

    pub(super) fn bytes(&self) -> usize {
        self.steps.len() * size_of::<Step>()
    }

    /// Forgets steps that lead to none of these configurations, if there are many.
    pub(super) fn prune<const W: usize>(&mut self, frontier: &mut [Config<W>]) {
        if self.steps.len() < self.crowded_at {
            return;
        }
        let mut places = vec![NEVER; self.steps.len()];
        places[START as usize] = START;
        frontier.iter().for_each(|config| places[config.step as usize] = START);
        for place in (1..self.steps.len()).rev() {
            if places[place] != NEVER {
                places[self.steps[place].before as usize] = START;
            }
        }
        let mut kept = 0;
        for place in 0..self.steps.len() {
            if places[place] != NEVER {
                places[place] = position(kept);
                let step = self.steps[place];
                let before = if Bug::PrunedStepsForgetTheirWay.is_planted() { START } else { places[step.before as usize] };
                self.steps[kept] = Step { before, ..step };
                kept += 1;
            }
        }
        self.steps.truncate(kept);
        self.crowded_at = (kept * 2).max(1 << 16);
        frontier.iter_mut().for_each(|config| config.step = places[config.step as usize]);
    }

    /// What was taken on the way, first things first: at which return, and which operation.
    fn way(&self, mut place: u32) -> Vec<(u64, u32)> {
        let mut way = Vec::new();
        while place != START {
            let step = self.steps[place as usize];
            way.push((step.now.into(), step.operation));
            place = step.before;
        }
        way.reverse();
        way
    }

    /// The operations in the order in which they took effect on the way from `cut` to `place`,
    /// which is one through the events up to `until`.
    pub(super) fn order<'p, M: Model + 'p, const W: usize>(
        &self,
        place: u32,
        partition: &Partition<'_, M>,
        (cut, until): (&Cut<M::State>, usize),
        rules: Rules<'_, M>,
        pending: impl Fn(u32) -> Pending<Borrowed<'p, M>>,
    ) -> Vec<u32> {
        let mut way = self.way(place).into_iter().peekable();
        let mut slots = Slots::<_, W>::new(cut.now);
        let mut states = States::new(until - cut.at);
        let mut config = Config::start(states.number_at(rules, cut.state.clone(), slots.now));
        let mut order = Order { occupants: Vec::new(), sightings: Vec::new() };
        for event in &partition.events[cut.at..until] {
            match *event {
                Event::Invoke(index) => {
                    let is_unknown = partition.ops[index as usize].returned == NEVER;
                    let slot = slots.occupy(rules.model, pending(index), is_unknown);
                    order.occupy(slot, index);
                    config.add(slot, is_unknown);
                    if is_unknown {
                        slots.note_inert();
                    } else {
                        slots.settle(&mut states, rules, &mut config, slot, &mut order);
                    }
                }
                Event::Return(index) => {
                    let slot = slots.slot_of(index);
                    while let Some((_, taken)) = way.next_if(|(now, _)| *now == slots.now) {
                        let taken = slots.slot_of(taken);
                        let state = slots.step(&mut states, rules, config.state, taken).expect("the search took it");
                        slots.take_effect(&mut states, rules, &mut config, taken, state, &mut order);
                    }
                    slots.vacate(slot);
                    slots.pass_time();
                    slots.pass(&mut states, rules, &mut config, slot, &mut order);
                }
            }
        }
        order.finish(partition.ops.len())
    }
}

/// A moment between two events at which nothing was pending and the state was certain: what
/// came before it has no bearing on what comes after it but for that state.
#[derive(Debug, Clone)]
pub(super) struct Cut<S> {
    /// How many events were before it.
    pub at: usize,
    /// The return that comes next, counted from 1.
    pub now: u64,
    pub state: S,
}

impl<S> Cut<S> {
    /// Before all events.
    pub(super) fn start(state: S) -> Self {
        Self { at: 0, now: 1, state }
    }
}

/// Collects where operations took effect or became free.
struct Order {
    occupants: Vec<u32>,
    /// Operation, and whether it took effect there.
    sightings: Vec<(u32, bool)>,
}

impl Order {
    fn occupy(&mut self, slot: usize, index: u32) {
        if self.occupants.len() <= slot {
            self.occupants.resize(slot + 1, NEVER);
        }
        self.occupants[slot] = index;
    }

    /// A free operation has its place where it took effect, else where it became free.
    fn finish(self, operations: usize) -> Vec<u32> {
        let mut takes_effect = vec![false; operations];
        for (operation, _) in self.sightings.iter().filter(|(_, takes_effect)| *takes_effect) {
            takes_effect[*operation as usize] = true;
        }
        let is_left = |operation: u32| !takes_effect[operation as usize] && !Bug::FreedHasNoPlace.is_planted();
        let has_place = |&&(operation, is_final): &&(u32, bool)| is_final || is_left(operation);
        self.sightings.iter().filter(has_place).map(|(operation, _)| *operation).collect()
    }
}

impl Witness for Order {
    fn takes_effect(&mut self, slot: usize) {
        self.sightings.push((self.occupants[slot], true));
    }

    fn becomes_free(&mut self, slot: usize) {
        self.sightings.push((self.occupants[slot], false));
    }
}
