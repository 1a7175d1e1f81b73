//! Depth-first search with memory: one order is tried as far as it goes, then the next one.
//!
//! Wing and Gong's search with Lowe's memory of what was tried. It finds an order early where
//! there are many, while configuration sets carry all of them along. A memory entry is small:
//! if all that returned before the next return took effect, what took effect beside is a
//! subset of what is pending, so no set of all operations is kept.
//!
//! Of the rules of `pending` it knows two: a read that fits takes effect at once, and of
//! interchangeable operations the one that returns first is taken first.
//! Not here: configuration sets (`search`).

use super::bits::Bits;
use super::intern::{Index, mix};
use super::limits::Meter;
use super::partition::{Event, NEVER, Partition, position};
use super::search::Stop;
use super::states::{Rules, StateId, States};
use super::steps::Cut;
use crate::model::Model;
use crate::mutants::Bug;

/// How far an order got: the next event that it cannot pass, the state, and what took effect early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<const W: usize> {
    at: u32,
    state: StateId,
    done: Bits<W>,
}

impl<const W: usize> Place<W> {
    fn hash(&self) -> u64 {
        mix(mix(u64::from(self.at) << 32 | u64::from(self.state)) ^ self.done.hash())
    }

    /// What of it is remembered: all.
    fn remembered(mut self) -> Self {
        if Bug::MemoryForgetsTheState.is_planted() {
            self.state = 0;
        }
        if Bug::MemoryForgetsWhatIsDone.is_planted() {
            self.done = Bits::EMPTY;
        }
        self
    }
}

/// A place with what was tried there so far.
struct Choice<const W: usize> {
    place: Place<W>,
    /// How long the order was.
    length: usize,
    /// Slots that are still to be tried, and whether the operation that returns next is one.
    rest: Bits<W>,
    is_target_left: bool,
}

/// A depth-first search that can be halted and continued.
pub(super) struct Depth<'p, 'a, M: Model, const W: usize> {
    rules: Rules<'p, M>,
    partition: &'p Partition<'a, M>,
    numbers: &'p [u32],
    states: States<M::State>,
    /// By operation its slot, and by slot the operation pending in it.
    slots: Vec<u32>,
    occupants: Vec<u32>,
    order: Vec<u32>,
    choices: Vec<Choice<W>>,
    tried: Vec<Place<W>>,
    index: Index,
    from: Cut<M::State>,
    /// The farthest event that an order got to.
    farthest: u32,
    has_begun: bool,
}

impl<'p, 'a, M: Model, const W: usize> Depth<'p, 'a, M, W> {
    /// Searches what comes after a moment at which nothing was pending.
    pub(super) fn new(rules: Rules<'p, M>, partition: &'p Partition<'a, M>, numbers: &'p [u32], from: &Cut<M::State>) -> Self {
        let (slots, width) = slots(partition);
        assert!(width <= W * 64, "the sets are wide enough for what is pending");
        Self {
            rules,
            partition,
            numbers,
            states: States::new(partition.ops.len()),
            slots,
            occupants: vec![NEVER; width],
            order: Vec::new(),
            choices: Vec::new(),
            tried: Vec::new(),
            index: Index::default(),
            from: from.clone(),
            farthest: position(from.at),
            has_begun: false,
        }
    }

    /// Searches on; an order, or why there is none.
    pub(super) fn run(&mut self, meter: &mut Meter<'_>) -> Result<Vec<u32>, Stop> {
        if !self.has_begun {
            meter.spend(|| 0)?;
            self.has_begun = true;
            let state = self.states.number_at(self.rules, self.from.state.clone(), u64::MAX);
            let start = Place { at: self.start(), state, done: Bits::EMPTY };
            if self.arrive(start) {
                return Ok(self.order.clone());
            }
        }
        while !self.choices.is_empty() {
            meter.spend(|| self.bytes())?;
            let Some((slot, place)) = self.choose() else {
                self.retreat();
                continue;
            };
            let operation = self.occupants[slot];
            let Some(state) = self.step(place.state, operation) else { continue };
            self.order.push(operation);
            let mut next = Place { state, ..place };
            next.done.set(slot);
            if self.arrive(next) {
                return Ok(self.order.clone());
            }
        }
        let Event::Return(dead) = self.partition.events[self.farthest as usize] else {
            unreachable!("only a return stops an order")
        };
        Err(Stop::Dead(dead))
    }

    fn start(&self) -> u32 {
        position(self.from.at)
    }

    fn bytes(&self) -> usize {
        let choices = self.choices.capacity() * size_of::<Choice<W>>();
        choices + self.tried.capacity() * size_of::<Place<W>>() + self.index.bytes() + self.states.bytes()
    }

    fn step(&mut self, from: StateId, operation: u32) -> Option<StateId> {
        let (number, call) = (self.numbers[operation as usize], self.partition.ops[operation as usize].call());
        self.states.step(self.rules, from, number, call, u64::MAX)
    }

    /// Goes on from a place as far as nothing must be chosen; `true` if that is the end.
    fn arrive(&mut self, mut place: Place<W>) -> bool {
        let before = self.choices.last().map_or(self.start(), |choice| choice.place.at);
        loop {
            self.pass(&mut place);
            if !self.read(&mut place) {
                break;
            }
        }
        if place.at as usize == self.partition.events.len() {
            return true;
        }
        self.farthest = self.farthest.max(place.at);
        let known = place.remembered();
        let hash = known.hash();
        let is_known = self.index.find(hash, |index| self.tried[index as usize] == known).is_some();
        if is_known {
            self.go_back(place.at, before);
            self.order.truncate(self.choices.last().map_or(0, |choice| choice.length));
            return false;
        }
        let (index, tried) = (position(self.tried.len()), &self.tried);
        self.index.insert(hash, index, |index| tried[index as usize].hash());
        self.tried.push(known);
        let rest = self.candidates(&place);
        self.choices.push(Choice { place, length: self.order.len(), rest, is_target_left: true });
        false
    }

    /// Passes events until the return of an operation that did not yet take effect.
    fn pass(&mut self, place: &mut Place<W>) {
        while let Some(event) = self.partition.events.get(place.at as usize) {
            match *event {
                Event::Invoke(index) => self.occupants[self.slots[index as usize] as usize] = index,
                Event::Return(index) => {
                    let slot = self.slots[index as usize] as usize;
                    if !place.done.has(slot) {
                        return;
                    }
                    place.done.clear(slot);
                    self.occupants[slot] = NEVER;
                }
            }
            place.at += 1;
        }
    }

    /// Lets reads that fit take effect; `true` if there was one.
    fn read(&mut self, place: &mut Place<W>) -> bool {
        let mut found = false;
        for slot in 0..self.occupants.len() {
            let operation = self.occupants[slot];
            if operation == NEVER || place.done.has(slot) || !self.partition.ops[operation as usize].read_only {
                continue;
            }
            if self.step(place.state, operation) == Some(place.state) {
                place.done.set(slot);
                self.order.push(operation);
                found = true;
            }
        }
        found
    }

    /// What is pending, of interchangeable operations the one that returns first.
    fn candidates(&self, place: &Place<W>) -> Bits<W> {
        let mut candidates = Bits::EMPTY;
        let pending = |slot: &usize| self.occupants[*slot] != NEVER && !place.done.has(*slot);
        for slot in (0..self.occupants.len()).filter(pending) {
            let operation = self.occupants[slot];
            let returned = |operation: u32| (self.partition.ops[operation as usize].returned, operation);
            let is_ahead = |other: usize| {
                let other = self.occupants[other];
                let [first, last] = if Bug::LastReturnFirst.is_planted() { [operation, other] } else { [other, operation] };
                self.numbers[other as usize] == self.numbers[operation as usize] && returned(first) < returned(last)
            };
            if !(0..self.occupants.len()).filter(pending).any(is_ahead) {
                candidates.set(slot);
            }
        }
        candidates
    }

    /// What to try next: first of all what returns next.
    fn choose(&mut self) -> Option<(usize, Place<W>)> {
        let choice = self.choices.last_mut()?;
        let Event::Return(target) = self.partition.events[choice.place.at as usize] else {
            unreachable!("only a return stops an order")
        };
        let target = self.slots[target as usize] as usize;
        let slot = if std::mem::take(&mut choice.is_target_left) { target } else { choice.rest.first()? };
        choice.rest.clear(slot);
        Some((slot, choice.place))
    }

    /// All was tried here.
    fn retreat(&mut self) {
        let left = self.choices.pop().expect("there is a choice to leave");
        let (at, length) = self.choices.last().map_or((self.start(), 0), |choice| (choice.place.at, choice.length));
        self.go_back(left.place.at, at);
        self.order.truncate(if Bug::DeadEndsStay.is_planted() { left.length } else { length });
    }

    /// Undoes what passing these events did.
    fn go_back(&mut self, from: u32, to: u32) {
        for event in self.partition.events[to as usize..from as usize].iter().rev() {
            match *event {
                Event::Invoke(index) => self.occupants[self.slots[index as usize] as usize] = NEVER,
                Event::Return(index) => self.occupants[self.slots[index as usize] as usize] = index,
            }
        }
    }
}

/// A slot for each operation, of its own while it is pending; and how many there are.
fn slots<M: Model>(partition: &Partition<'_, M>) -> (Vec<u32>, usize) {
    let (mut slots, mut vacant, mut count) = (vec![NEVER; partition.ops.len()], Vec::new(), 0);
    for event in &partition.events {
        match *event {
            Event::Return(index) => vacant.push(slots[index as usize]),
            Event::Invoke(index) => {
                slots[index as usize] = vacant.pop().unwrap_or_else(|| {
                    count += 1;
                    count - 1
                });
            }
        }
    }
    (slots, count as usize)
}
