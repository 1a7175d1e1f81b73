//! The search for an order of one object's operations: just-in-time linearization.
//!
//! It walks over the events with a set of configurations, each a state and what is still
//! pending (Wing and Gong; Lowe's just-in-time variant). Nothing takes effect before it
//! must: when an operation returns, configurations in which it did not yet take effect are
//! continued by other pending operations until it did, or die. Equal ones are explored
//! once. Five rules keep the set small; each only drops what another configuration covers:
//!
//! 1. A read that fits takes effect at once: it changes nothing, now or later.
//! 2. An operation that would change nothing *now*, or would be hidden by the one that
//!    takes effect now, becomes free: either it took effect here unseen, or it still will.
//! 3. An operation that need not take effect yet does so only for the sake of the next one:
//!    because that would be impossible or have another result, or hide less, without it.
//! 4. States that the rest of the history cannot tell apart are one (`Model::fades`).
//! 5. Of interchangeable operations of unknown outcome only one is tried.
//!
//! Not here: dominance (`config`), the order found and its proof (`witness`).
//! Read next: `witness`.

use super::bits::Bits;
use super::config::{Config, Table};
use super::partition::{Event, Op, Partition};
use super::states::{StateId, States};
use super::witness::Step;
use crate::model::Model;

/// Stands for all operations that are inert by now, in place of their class.
const INERT_CLASS: usize = usize::MAX;

/// How a search ended that found no order.
pub(super) enum Stop<S> {
    /// The operation cannot take effect before it returns.
    Dead(Death<S>),
    /// The budget is used up.
    Exhausted,
}

/// The situation in which no order could be continued.
pub(super) struct Death<S> {
    /// Place of the operation that cannot be ordered.
    pub operation: usize,
    /// The operations that could have taken effect around it, but do not help.
    pub pending: Vec<usize>,
    /// Possible states just before, each with the last operations on one way to it.
    pub states: Vec<(S, Vec<usize>)>,
}

/// An operation that could take effect next.
struct Candidate {
    slot: usize,
    /// Whether no other candidate is interchangeable with it.
    is_first: bool,
}

pub(super) struct Search<'a, M: Model, const W: usize> {
    model: &'a M,
    partition: &'a Partition<'a, M>,
    states: States<'a, M>,
    budget: u64,
    /// The return that comes next, counted from 1.
    now: u64,
    /// Which operation is pending in each slot.
    occupants: Vec<Option<usize>>,
    /// Slots of operations of unknown outcome, and those of them that are inert by now.
    unknown: Bits<W>,
    inert: Bits<W>,
    frontier: Vec<Config<W>>,
    /// All steps of all configurations, each with the one before it.
    steps: Vec<Step>,
}

impl<'a, M: Model, const W: usize> Search<'a, M, W> {
    pub(super) fn new(model: &'a M, partition: &'a Partition<'a, M>, budget: u64) -> Self {
        assert!(partition.slots <= W * 64);
        let now = 1;
        let mut states = States::new(model, partition);
        let start = Config { state: states.initial(now), todo: Bits::EMPTY, free: Bits::EMPTY, node: 0 };
        Self {
            model,
            partition,
            states,
            budget,
            now,
            occupants: vec![None; partition.slots],
            unknown: Bits::EMPTY,
            inert: Bits::EMPTY,
            frontier: vec![start],
            steps: vec![Step::START],
        }
    }

    /// Finds an order and returns the steps that lead to it.
    pub(super) fn run(mut self) -> Result<Vec<Step>, Stop<M::State>> {
        for event in &self.partition.events {
            match *event {
                Event::Invoke(index) => self.invoke(index),
                Event::Return(index) => self.give_back(index)?,
            }
        }
        Ok(Step::path(&self.steps, self.frontier[0].node))
    }

    fn occupant(&self, slot: usize) -> usize {
        self.occupants[slot].expect("only occupied slots are pending")
    }

    fn op(&self, slot: usize) -> &'a Op<'a, M> {
        &self.partition.ops[self.occupant(slot)]
    }

    fn step(&mut self, state: StateId, slot: usize) -> Option<StateId> {
        self.states.step(state, self.occupant(slot), self.now)
    }

    fn absorbs(&self, later: usize, earlier: usize) -> bool {
        self.model.absorbs(self.op(later).call, self.op(earlier).call)
    }

    fn invoke(&mut self, index: usize) {
        let op = &self.partition.ops[index];
        self.occupants[op.slot] = Some(index);
        let mut frontier = std::mem::take(&mut self.frontier);
        if op.returned_at.is_none() {
            self.unknown.set(op.slot);
            frontier.iter_mut().for_each(|config| config.free.set(op.slot));
            self.note_inert();
        } else {
            for config in &mut frontier {
                config.todo.set(op.slot);
                self.settle(config, op.slot);
            }
        }
        self.frontier = frontier;
    }

    fn give_back(&mut self, index: usize) -> Result<(), Stop<M::State>> {
        let slot = self.partition.ops[index].slot;
        let done = self.close(slot)?;
        if done.is_empty() {
            return Err(Stop::Dead(self.death(index)));
        }
        self.occupants[slot] = None;
        self.now += 1;
        self.note_inert();
        let mut table = Table::new(self.inert);
        for mut config in done {
            config.todo.clear(slot);
            config.free.clear(slot);
            config.state = self.states.blur(config.state, self.now);
            self.settle_all(&mut config);
            table.insert(&config);
        }
        self.frontier = table.into_configs();
        Ok(())
    }

    fn note_inert(&mut self) {
        for slot in self.unknown.without(&self.inert).iter() {
            if self.op(slot).inert_from <= self.now {
                self.inert.set(slot);
            }
        }
    }

    /// All configurations, as far as they differ, in which `target` took effect or may have.
    fn close(&mut self, target: usize) -> Result<Vec<Config<W>>, Stop<M::State>> {
        let mut seen = Table::new(self.inert);
        let mut work = self.frontier.clone();
        work.retain(|config| seen.insert(config));
        let mut done = Vec::new();
        while let Some(config) = work.pop() {
            self.budget = self.budget.checked_sub(1).ok_or(Stop::Exhausted)?;
            if !seen.contains(&config) {
                continue;
            }
            let must = config.todo.has(target);
            let may = config.free.has(target);
            if must || may {
                let candidates = self.candidates(&config);
                for candidate in candidates.iter().filter(|candidate| candidate.is_first) {
                    if let Some(next) = self.take(&config, candidate.slot, target, &candidates)
                        && seen.insert(&next)
                    {
                        work.push(next);
                    }
                }
            }
            if !must {
                done.push(config);
            }
        }
        Ok(done)
    }

    /// What is pending; of interchangeable operations two, the second only as a successor.
    fn candidates(&self, config: &Config<W>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut classes: Vec<(usize, bool)> = Vec::new();
        for slot in config.todo.or(&config.free).iter() {
            if !self.unknown.has(slot) {
                candidates.push(Candidate { slot, is_first: true });
                continue;
            }
            let class = if self.inert.has(slot) { INERT_CLASS } else { self.op(slot).class };
            match classes.iter_mut().find(|(other, _)| *other == class) {
                None => {
                    classes.push((class, false));
                    candidates.push(Candidate { slot, is_first: true });
                }
                Some((_, twice @ false)) => {
                    *twice = true;
                    candidates.push(Candidate { slot, is_first: false });
                }
                Some(_) => {}
            }
        }
        candidates
    }

    /// The configuration after the operation in `slot`; `None` if it is impossible, or if
    /// another one covers what could come of it.
    fn take(&mut self, from: &Config<W>, slot: usize, target: usize, candidates: &[Candidate]) -> Option<Config<W>> {
        let state = self.step(from.state, slot)?;
        let hidden = self.hidden(from, slot);
        let changes_nothing = from.free.has(slot) && state == from.state && hidden == Bits::EMPTY;
        if changes_nothing || (slot != target && !self.leads_on(from, slot, state, &hidden, candidates)) {
            return None;
        }
        let mut next = Config { state, ..*from };
        next.todo.clear(slot);
        next.free.clear(slot);
        for other in hidden.iter() {
            self.set_free(&mut next, other);
        }
        next.node = self.push(next.node, slot, true);
        self.settle_all(&mut next);
        Some(next)
    }

    /// What must take effect and could do so unseen just before the operation in `slot`.
    fn hidden(&self, from: &Config<W>, slot: usize) -> Bits<W> {
        let mut hidden = Bits::EMPTY;
        for other in from.todo.iter().filter(|other| *other != slot) {
            if self.absorbs(slot, other) {
                hidden.set(other);
            }
        }
        hidden
    }

    /// Whether some operation is possible after the one in `slot`, and it would not be as
    /// good if it came right away: with the same result, with that one free, and hiding
    /// what that one hides.
    fn leads_on(&mut self, from: &Config<W>, slot: usize, state: StateId, hidden: &Bits<W>, candidates: &[Candidate]) -> bool {
        let is_free = from.free.has(slot);
        candidates.iter().map(|next| next.slot).filter(|next| *next != slot).any(|next| {
            let after = self.step(state, next);
            after.is_some()
                && (after != self.step(from.state, next)
                    || !(is_free || self.absorbs(next, slot))
                    || hidden.iter().any(|other| other != next && !self.absorbs(next, other)))
        })
    }

    fn settle_all(&mut self, config: &mut Config<W>) {
        for slot in config.todo.iter() {
            self.settle(config, slot);
        }
    }

    /// Lets an operation that must take effect do so unseen, if that is possible.
    fn settle(&mut self, config: &mut Config<W>, slot: usize) {
        if self.step(config.state, slot) != Some(config.state) {
            return;
        }
        if self.op(slot).read_only {
            config.todo.clear(slot);
            config.node = self.push(config.node, slot, true);
        } else {
            self.set_free(config, slot);
        }
    }

    fn set_free(&mut self, config: &mut Config<W>, slot: usize) {
        config.todo.clear(slot);
        config.free.set(slot);
        config.node = self.push(config.node, slot, false);
    }

    fn push(&mut self, before: usize, slot: usize, is_final: bool) -> usize {
        self.steps.push(Step { before, operation: self.occupant(slot), is_final });
        self.steps.len() - 1
    }

    fn death(&self, operation: usize) -> Death<M::State> {
        let tail = |node| {
            let mut order = super::witness::order(&self.partition.ops, &Step::path(&self.steps, node));
            order.split_off(order.len().saturating_sub(3))
        };
        let states =
            self.frontier.iter().map(|config| (self.states.get(config.state).clone(), tail(config.node))).take(4).collect();
        let pending = self.occupants.iter().flatten().copied().filter(|index| *index != operation).collect();
        Death { operation, pending, states }
    }
}
