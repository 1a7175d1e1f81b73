//! What is pending at a moment, and how one configuration leads to another.
//!
//! Both are functions of the events so far and of one configuration. Which configurations
//! there are is the business of `search`; the same steps, taken once more along the way
//! that a search found, give the order (`replay`).
//!
//! Three rules keep configurations few; each only drops what another one covers:
//!
//! 1. A read that fits takes effect at once: it changes nothing, now or later.
//! 2. An operation that would change nothing *now*, or would be hidden by the one that
//!    takes effect now, becomes free: either it took effect here unseen, or it still will.
//! 3. Of interchangeable operations the one that returns first is taken first.
//!
//! Read next: `config`, `search`.

use super::bits::Bits;
use super::config::Config;
use super::states::{Rules, StateId, States};
use crate::model::{Call, Model};
use crate::mutants::Bug;

/// An operation that was invoked and has not returned.
#[derive(Debug, Clone)]
pub(super) struct Pending<P> {
    /// The operation itself.
    pub operation: P,
    /// Its place in the history; reported.
    pub index: u32,
    /// Equal for equal operations with equal answers, different for others.
    pub number: u32,
    /// Order of returns; the same large number for all that never return.
    pub returns: u32,
    /// See [`Model::is_read_only`].
    pub read_only: bool,
    /// See [`Model::inert_from`].
    pub inert_from: u64,
}

/// Where the search finds what an operation is, be it borrowed or its own.
pub(super) trait Called<M: Model> {
    fn call(&self) -> Call<'_, M::Input, M::Output>;
}

/// The pending operations, each in a slot of its own, and what they are to each other.
#[derive(Debug, Clone)]
pub(super) struct Slots<P, const W: usize> {
    slots: Vec<Option<Pending<P>>>,
    vacant: Vec<usize>,
    occupied: Bits<W>,
    /// The return that comes next, counted from 1.
    pub now: u64,
    /// Those of unknown outcome, and those of them that are inert by now.
    pub unknown: Bits<W>,
    pub inert: Bits<W>,
    /// By slot: what it absorbs, and what is interchangeable and to be taken before it.
    hides: Vec<Bits<W>>,
    ahead: Vec<Bits<W>>,
}

/// What is told of each step: the slot, and whether the operation took effect (or became free).
pub(super) trait Witness {
    fn takes_effect(&mut self, slot: usize);
    fn becomes_free(&mut self, slot: usize);
}

/// Nobody wants to know.
pub(super) struct Nobody;

impl Witness for Nobody {
    fn takes_effect(&mut self, _: usize) {}
    fn becomes_free(&mut self, _: usize) {}
}

impl<P, const W: usize> Slots<P, W> {
    /// Nothing is pending, and this return comes next.
    pub(super) fn new(now: u64) -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            occupied: Bits::EMPTY,
            now,
            unknown: Bits::EMPTY,
            inert: Bits::EMPTY,
            hides: Vec::new(),
            ahead: Vec::new(),
        }
    }

    /// How many operations are pending.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(super) fn at(&self, slot: usize) -> &Pending<P> {
        self.slots[slot].as_ref().expect("only occupied slots are pending")
    }

    /// All that is pending.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Pending<P>> {
        self.occupied.iter().map(|slot| self.at(slot))
    }

    /// The slot of an operation, by its place in the history.
    pub(super) fn slot_of(&self, index: u32) -> usize {
        let is_it = |slot: &usize| self.at(*slot).index == index;
        self.occupied.iter().find(is_it).expect("an operation that returns is pending")
    }

    /// What may take effect next in a configuration: of interchangeable operations one.
    ///
    /// If equal operations are pending, the one that returns first may as well take the place
    /// of the other. Only a free one must not stand in for one that is still to take effect.
    pub(super) fn candidates(&self, config: &Config<W>) -> Bits<W> {
        let pending = config.todo.or(&config.free);
        let inert = pending.and(&self.inert);
        let mut candidates = pending.without(&inert);
        for slot in candidates.iter() {
            let ahead = &self.ahead[slot];
            let is_free = config.free.has(slot) || Bug::FreeStandsInForMust.is_planted();
            if ahead.meets(&config.todo) || (is_free && ahead.meets(&config.free)) {
                candidates.clear(slot);
            }
        }
        if let Some(slot) = inert.first() {
            candidates.set(slot);
        }
        candidates
    }

    /// What a look ahead must try, after the operation in `taken`.
    fn successors(&self, config: &Config<W>, taken: usize) -> Bits<W> {
        let mut successors = config.todo.or(&config.free);
        successors.clear(taken);
        let all = successors;
        for slot in all.iter() {
            if self.ahead[slot].meets(&all) {
                successors.clear(slot);
            }
        }
        successors
    }

    /// What must take effect and could do so unseen just before the operation in `slot`.
    fn hidden(&self, from: &Config<W>, slot: usize) -> Bits<W> {
        let mut hidden = from.todo.and(&self.hides[slot]);
        hidden.clear(slot);
        hidden
    }

    pub(super) fn note_inert(&mut self) {
        for slot in self.unknown.without(&self.inert).iter() {
            if self.at(slot).inert_from <= self.now + u64::from(Bug::InertTooEarly.is_planted()) {
                self.inert.set(slot);
            }
        }
    }

    /// The operation in `slot` is no longer pending.
    pub(super) fn vacate(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.vacant.push(slot);
        self.occupied.clear(slot);
        self.unknown.clear(slot);
        self.inert.clear(slot);
        for other in self.occupied.iter().filter(|_| !Bug::VacatedSlotStaysInMasks.is_planted()) {
            self.hides[other].clear(slot);
            self.ahead[other].clear(slot);
        }
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * (size_of::<Option<Pending<P>>>() + 2 * size_of::<Bits<W>>())
    }
}

impl<P, const W: usize> Slots<P, W> {
    /// Gives an invoked operation a slot.
    pub(super) fn occupy<M: Model>(&mut self, model: &M, pending: Pending<P>, is_unknown: bool) -> usize
    where
        P: Called<M>,
    {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            assert!(self.slots.len() < W * 64, "the sets are wide enough for what is pending");
            self.slots.push(None);
            self.hides.push(Bits::EMPTY);
            self.ahead.push(Bits::EMPTY);
            self.slots.len() - 1
        });
        let (mut hides, mut ahead) = (Bits::EMPTY, Bits::EMPTY);
        let call = pending.operation.call();
        for other in self.occupied.iter() {
            let known = self.slots[other].as_ref().expect("only occupied slots are pending");
            if model.absorbs(call, known.operation.call()) || Bug::HidesWhatItDoesNotAbsorb.is_planted() {
                hides.set(other);
            }
            if model.absorbs(known.operation.call(), call) {
                self.hides[other].set(slot);
            }
            if known.number == pending.number {
                if known.returns <= pending.returns { ahead.set(other) } else { self.ahead[other].set(slot) }
            }
        }
        (self.hides[slot], self.ahead[slot]) = (hides, ahead);
        self.occupied.set(slot);
        if is_unknown {
            self.unknown.set(slot);
        }
        self.slots[slot] = Some(pending);
        slot
    }

    pub(super) fn step<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        from: StateId,
        slot: usize,
    ) -> Option<StateId>
    where
        P: Called<M>,
    {
        let Pending { operation, number, .. } = self.at(slot);
        states.step(rules, from, *number, operation.call(), self.now)
    }

    /// The configuration after the operation in `slot`; `None` if it is impossible, or if
    /// another one covers what could come of it.
    ///
    /// Before `target` takes effect, another operation does so only for the sake of the next one.
    pub(super) fn take<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        from: &Config<W>,
        slot: usize,
        target: usize,
    ) -> Option<Config<W>>
    where
        P: Called<M>,
    {
        let state = self.step(states, rules, from.state, slot)?;
        let hidden = self.hidden(from, slot);
        let changes_nothing = from.free.has(slot) && state == from.state && hidden.is_empty();
        if changes_nothing || (slot != target && !self.leads_on(states, rules, from, slot, state, &hidden)) {
            return None;
        }
        let mut next = *from;
        self.take_effect(states, rules, &mut next, slot, state, &mut Nobody);
        Some(next)
    }

    /// Lets the operation in `slot` take effect, which gives `state`.
    pub(super) fn take_effect<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        config: &mut Config<W>,
        slot: usize,
        state: StateId,
        witness: &mut impl Witness,
    ) where
        P: Called<M>,
    {
        let hidden = self.hidden(config, slot);
        config.todo = config.todo.without(&hidden);
        config.free = config.free.or(&hidden);
        hidden.iter().for_each(|other| witness.becomes_free(other));
        config.todo.clear(slot);
        config.free.clear(slot);
        witness.takes_effect(slot);
        config.state = state;
        self.settle_all(states, rules, config, witness);
    }

    /// Whether some operation is possible after the one in `slot`, and it would not be as
    /// good if it came right away: with the same result, with that one free, and hiding
    /// what that one hides.
    fn leads_on<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        from: &Config<W>,
        slot: usize,
        state: StateId,
        hidden: &Bits<W>,
    ) -> bool
    where
        P: Called<M>,
    {
        let is_free = from.free.has(slot);
        self.successors(from, slot).iter().any(|next| {
            let Some(after) = self.step(states, rules, state, next) else { return false };
            let hides = &self.hides[next];
            let mut shown = hidden.without(hides);
            shown.clear(next);
            if Bug::WhatLeadsOnForgetsTheHidden.is_planted() {
                shown = Bits::EMPTY;
            }
            !(is_free || hides.has(slot)) || !shown.is_empty() || Some(after) != self.step(states, rules, from.state, next)
        })
    }

    /// Lets all that must take effect do so unseen, where that is possible.
    pub(super) fn settle_all<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        config: &mut Config<W>,
        witness: &mut impl Witness,
    ) where
        P: Called<M>,
    {
        for slot in config.todo.iter() {
            self.settle(states, rules, config, slot, witness);
        }
    }

    /// The same for one operation.
    pub(super) fn settle<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        config: &mut Config<W>,
        slot: usize,
        witness: &mut impl Witness,
    ) where
        P: Called<M>,
    {
        let after = self.step(states, rules, config.state, slot);
        if after != Some(config.state) && !(after.is_some() && Bug::SettlesThoughItChanges.is_planted()) {
            return;
        }
        config.todo.clear(slot);
        if self.at(slot).read_only || Bug::WritesSettleAsReads.is_planted() {
            witness.takes_effect(slot);
        } else {
            config.free.set(slot);
            witness.becomes_free(slot);
        }
    }
}
