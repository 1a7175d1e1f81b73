//! Just-in-time configuration sets: all that the object may be in, from event to event.
//!
//! Wing and Gong's search in Lowe's just-in-time variant, breadth first. Nothing takes
//! effect before it must: when an operation returns, configurations in which it did not yet
//! take effect are continued by other pending operations until it did, or die. Superfluous
//! ones are dropped (`config`, `pending`), and so are differences that the rest of the
//! history cannot see ([`Model::fades`]). Where nothing is pending and the state is certain the
//! history is cut: what came before needs no memory any more, but for an order.
//!
//! Not here: the order that was found (`steps`) and its proof (`witness`).
//! Read next: `steps`.

use super::bits::Bits;
use super::config::{Config, Table};
use super::limits::{Halt, Meter};
use super::partition::{Event, NEVER, OperationOf, Partition, call};
use super::pending::{Called, Nobody, Pending, Slots};
use super::states::{Rules, States};
use super::steps::{Cut, START, Steps};
use crate::model::{Call, Model};
use crate::mutants::Bug;

/// How a search ended that found no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// This operation (by place) cannot take effect before it returns.
    Dead(u32),
    /// It must not, or need not now, go on.
    Halt(Halt),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// An operation that is part of a history.
pub(super) struct Borrowed<'a, M: Model>(pub &'a OperationOf<M>);

impl<M: Model> Called<M> for Borrowed<'_, M> {
    fn call(&self) -> Call<'_, M::Input, M::Output> {
        call(self.0)
    }
}

/// All configurations that the events so far allow.
#[derive(Clone)]
pub(super) struct Frontier<S, P, const W: usize> {
    pub states: States<S>,
    pub slots: Slots<P, W>,
    pub configs: Vec<Config<W>>,
    /// The ways to them; nothing if nobody will ask for an order.
    pub steps: Option<Steps>,
    /// Memory for one return.
    seen: Table<W>,
    next: Table<W>,
    work: Vec<u32>,
    done: Vec<Config<W>>,
}

impl<S: Clone + Eq + std::hash::Hash, P, const W: usize> Frontier<S, P, W> {
    pub(super) fn new<M: Model<State = S>>(rules: Rules<'_, M>, operations: usize, steps: Option<Steps>, cut: &Cut<S>) -> Self {
        let slots = Slots::new(cut.now);
        let mut states = States::new(operations);
        let configs = vec![Config::start(states.number_at(rules, cut.state.clone(), slots.now))];
        Self { states, slots, configs, steps, seen: Table::new(), next: Table::new(), work: vec![], done: vec![] }
    }

    fn bytes(&self) -> usize {
        let configs = (self.configs.capacity() + self.done.capacity()) * size_of::<Config<W>>();
        let steps = self.steps.as_ref().map_or(0, Steps::bytes);
        configs + steps + self.states.bytes() + self.slots.bytes() + self.seen.bytes() + self.next.bytes()
    }

    pub(super) fn invoke<M: Model<State = S>>(&mut self, rules: Rules<'_, M>, pending: Pending<P>, is_unknown: bool)
    where
        P: Called<M>,
    {
        let slot = self.slots.occupy(rules.model, pending, is_unknown);
        for config in &mut self.configs {
            config.add(slot, is_unknown);
            if !is_unknown {
                self.slots.settle(&mut self.states, rules, config, slot, &mut Nobody);
            }
        }
        if is_unknown {
            self.slots.note_inert();
        }
    }

    /// The pending operation with this place in the history returns; `false` if it cannot.
    pub(super) fn give_back<M: Model<State = S>>(
        &mut self,
        rules: Rules<'_, M>,
        index: u32,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Halt>
    where
        P: Called<M>,
    {
        let slot = self.slots.slot_of(index);
        self.close(rules, slot, meter)?;
        if self.done.is_empty() {
            return Ok(false);
        }
        self.slots.vacate(slot);
        self.slots.pass_time();
        if let [config] = &mut self.done[..] {
            self.slots.pass(&mut self.states, rules, config, slot, &mut Nobody);
            std::mem::swap(&mut self.configs, &mut self.done);
        } else {
            self.next.reset(self.slots.inert);
            for config in &mut self.done {
                self.slots.pass(&mut self.states, rules, config, slot, &mut Nobody);
                self.next.insert(config);
            }
            self.configs.clear();
            self.configs.extend(self.next.iter());
        }
        if let Some(steps) = &mut self.steps {
            steps.prune(&mut self.configs);
        }
        Ok(true)
    }

    /// Leaves in `done` all configurations, as far as they differ, in which `target` took effect or may have.
    fn close<M: Model<State = S>>(&mut self, rules: Rules<'_, M>, target: usize, meter: &mut Meter<'_>) -> Result<(), Halt>
    where
        P: Called<M>,
    {
        self.done.clear();
        self.work.clear();
        self.seen.reset(self.slots.inert);
        for place in 0..self.configs.len() {
            let config = self.configs[place];
            let must = config.todo.has(target);
            if !must {
                self.done.push(config);
            }
            if must || config.free.has(target) {
                self.work.extend(self.seen.insert(&config));
            }
        }
        while let Some(place) = self.work.pop() {
            let Some(&config) = self.seen.get(place) else { continue };
            meter.spend(|| self.bytes())?;
            self.continue_by_one(rules, &config, target);
        }
        Ok(())
    }

    /// Tries each pending operation next, as far as that may lead to `target`.
    fn continue_by_one<M: Model<State = S>>(&mut self, rules: Rules<'_, M>, from: &Config<W>, target: usize)
    where
        P: Called<M>,
    {
        for slot in self.slots.candidates(from).iter() {
            let Some(mut next) = self.slots.take(&mut self.states, rules, from, slot, target) else { continue };
            if let Some(steps) = &mut self.steps {
                next.step = steps.push(from.step, self.slots.now, self.slots.at(slot).index);
            }
            let [must, may] = [next.todo.has(target), next.free.has(target)];
            // What goes on without a free operation could do the same after its return.
            let goes_without = may && (from.free.has(target) || Bug::FreedTargetEnds.is_planted());
            if !(must || goes_without) {
                self.done.push(next);
            }
            if must || may {
                self.work.extend(self.seen.insert(&next));
            }
        }
    }
}

impl<P, const W: usize> Slots<P, W> {
    /// A return has passed.
    pub(super) fn pass_time(&mut self) {
        self.now += 1;
        self.note_inert();
    }

    /// Carries a configuration over the return of the operation that was in `slot`.
    pub(super) fn pass<M: Model>(
        &self,
        states: &mut States<M::State>,
        rules: Rules<'_, M>,
        config: &mut Config<W>,
        slot: usize,
        witness: &mut impl super::pending::Witness,
    ) where
        P: Called<M>,
    {
        config.todo.clear(slot);
        config.free.clear(slot);
        let blurred = states.blur(config.state, self.now);
        if blurred != config.state {
            config.state = blurred;
            self.settle_all(states, rules, config, witness);
        }
    }
}

/// Between two cuts there are at least so many events, and this part of all: each one costs a
/// look at all operations.
const CUT_EVERY: usize = 8;
const CUT_PART: usize = 256;

/// More states than these are forgotten at a cut; to keep fewer is cheaper.
const STATES_KEPT: usize = 1 << 10;

/// A search over a whole history that can be halted and continued.
pub(super) struct Sets<'p, 'a, M: Model, const W: usize> {
    rules: Rules<'p, M>,
    partition: &'p Partition<'a, M>,
    numbers: &'p [u32],
    frontier: Frontier<M::State, Borrowed<'p, M>, W>,
    /// The event that comes next.
    at: usize,
    /// The last moment before which nothing is to be found out any more, and an order until then.
    pub cut: Cut<M::State>,
    pub order: Vec<u32>,
}

impl<'p, 'a, M: Model, const W: usize> Sets<'p, 'a, M, W> {
    pub(super) fn new(rules: Rules<'p, M>, partition: &'p Partition<'a, M>, numbers: &'p [u32]) -> Self {
        let cut = Cut::start(rules.model.init());
        let frontier = Frontier::new(rules, partition.ops.len(), Some(Steps::new()), &cut);
        Self { rules, partition, numbers, frontier, at: 0, cut, order: Vec::new() }
    }

    /// Searches on; the places of the operations in an order, or why there is none.
    pub(super) fn run(&mut self, meter: &mut Meter<'_>) -> Result<Vec<u32>, Stop> {
        let (rules, partition, numbers) = (self.rules, self.partition, self.numbers);
        while let Some(event) = partition.events.get(self.at) {
            match *event {
                Event::Invoke(index) => {
                    let is_unknown = partition.ops[index as usize].returned == NEVER;
                    self.frontier.invoke(rules, pending(rules, partition, numbers, index), is_unknown);
                }
                // If this is halted nothing has changed yet, so it can be done again.
                Event::Return(index) => {
                    let passed = self.frontier.give_back(rules, index, meter);
                    self.at += usize::from(passed.is_err() && Bug::PauseSkipsAnEvent.is_planted());
                    if !passed? {
                        return Err(Stop::Dead(index));
                    }
                }
            }
            self.at += 1;
            if self.cut.at + CUT_EVERY.max(partition.events.len() / CUT_PART) <= self.at {
                self.cut_if_quiet();
            }
        }
        self.settle();
        Ok(std::mem::take(&mut self.order))
    }

    /// Forgets how it came to a state that is the only one possible, with nothing pending.
    fn cut_if_quiet(&mut self) {
        let forgotten = if Bug::CutsForgetTheUnknown.is_planted() { self.frontier.slots.unknown.count() } else { 0 };
        let is_quiet = self.frontier.slots.len() == forgotten as usize;
        let is_certain = self.frontier.configs.len() == 1 || Bug::CutsThoughUncertain.is_planted();
        if is_quiet && is_certain {
            self.settle();
            let Frontier { states, slots, configs, steps, .. } = &mut self.frontier;
            let now = slots.now + u64::from(Bug::CutCountsAReturn.is_planted());
            self.cut = Cut { at: self.at, now, state: states.get(configs[0].state).clone() };
            *slots = Slots::new(self.cut.now);
            *steps = Some(Steps::new());
            if STATES_KEPT < states.len() {
                *states = States::new(self.partition.ops.len());
            }
            configs.clear();
            configs.push(Config::start(states.number_at(self.rules, self.cut.state.clone(), self.cut.now)));
        }
    }

    /// Adds to the order what took effect since the cut, on one of the ways that are left.
    fn settle(&mut self) {
        let (rules, partition, numbers) = (self.rules, self.partition, self.numbers);
        let steps = self.frontier.steps.as_ref().expect("it was asked for");
        let pending = |index: u32| pending(rules, partition, numbers, index);
        let place = self.frontier.configs[0].step;
        self.order.extend(steps.order::<_, W>(place, partition, (&self.cut, self.at), rules, pending));
    }
}

/// An operation of the history as it enters the search.
pub(super) fn pending<'p, M: Model>(
    rules: Rules<'_, M>,
    partition: &'p Partition<'_, M>,
    numbers: &[u32],
    index: u32,
) -> Pending<Borrowed<'p, M>> {
    let op = &partition.ops[index as usize];
    let inert_from = match rules.horizon {
        Some(horizon) if op.returned == NEVER => rules.model.inert_from(horizon, &op.operation.input),
        _ => u64::MAX,
    };
    Pending {
        operation: Borrowed(op.operation),
        index,
        number: numbers[index as usize],
        returns: op.returned,
        read_only: op.read_only,
        inert_from,
    }
}

impl<const W: usize> Config<W> {
    /// Nothing was invoked.
    pub(super) fn start(state: super::states::StateId) -> Self {
        Self { state, step: START, todo: Bits::EMPTY, free: Bits::EMPTY }
    }

    /// An operation was invoked.
    pub(super) fn add(&mut self, slot: usize, is_unknown: bool) {
        if is_unknown { self.free.set(slot) } else { self.todo.set(slot) }
    }
}
