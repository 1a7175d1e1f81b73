//! States by number, so that the search compares and copies numbers and steps only once.
//!
//! Not here: which states are reached (`search`).
//! Read next: `pending`.

use super::intern::{Index, hash_of, mix};
use crate::model::{Call, Model};
use crate::mutants::Bug;

/// The number of a state; in the order in which they were first reached.
pub(super) type StateId = u32;

/// In place of a state: the operation is impossible.
const IMPOSSIBLE: StateId = StateId::MAX;

/// A model, and what it knows of the rest of the history; nothing if it comes as a stream.
pub(super) struct Rules<'a, M: Model> {
    pub model: &'a M,
    pub horizon: Option<&'a M::Horizon>,
}

impl<M: Model> Clone for Rules<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Rules<'_, M> {}

/// What an operation (`call`, by number) makes of a state.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    from: StateId,
    call: u32,
    to: StateId,
}

/// All states that were reached, and what was found out about their steps.
#[derive(Debug, Clone)]
pub(super) struct States<S> {
    states: Vec<S>,
    /// Until which return a state can be told from the one that it fades into.
    fades: Vec<(u64, StateId)>,
    index: Index,
    /// Steps that were taken, each at a place that its hash chooses; the newest stays.
    steps: Vec<Remembered>,
    /// Bytes that the states take, as the model says.
    bytes: usize,
}

impl<S: Clone + Eq + std::hash::Hash> States<S> {
    /// Room for the steps of so many operations.
    pub(super) fn new(operations: usize) -> Self {
        let cells = (operations * 4).next_power_of_two().clamp(64, 1 << 16);
        let nothing = Remembered { from: IMPOSSIBLE, call: u32::MAX, to: IMPOSSIBLE };
        Self { states: Vec::new(), fades: Vec::new(), index: Index::default(), steps: vec![nothing; cells], bytes: 0 }
    }

    /// The state itself.
    pub(super) fn get(&self, id: StateId) -> &S {
        &self.states[id as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.fades.len() * 16 + self.index.bytes() + self.steps.len() * size_of::<Remembered>()
    }

    /// The state that stands for this one when the `now`-th return is the next.
    pub(super) fn blur(&self, id: StateId, now: u64) -> StateId {
        let (until, into) = self.fades[id as usize];
        if until < now.saturating_add(u64::from(Bug::FadesTooEarly.is_planted())) { into } else { id }
    }

    /// The state after an operation, blurred; `None` if it is impossible. Operations with one
    /// number must be equal.
    pub(super) fn step<M: Model<State = S>>(
        &mut self,
        rules: Rules<'_, M>,
        from: StateId,
        number: u32,
        call: Call<'_, M::Input, M::Output>,
        now: u64,
    ) -> Option<StateId> {
        let known_from = if Bug::StepsForgetTheirState.is_planted() { 0 } else { from };
        let place = self.place(known_from, number);
        let known = self.steps[place];
        let to = if known.from == known_from && known.call == number {
            known.to
        } else {
            let to = self.step_anew(rules, from, call, now);
            self.steps[place] = Remembered { from: known_from, call: number, to };
            to
        };
        (to != IMPOSSIBLE).then(|| self.blur(to, now))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a part of the hash is enough")]
    fn place(&self, from: StateId, number: u32) -> usize {
        mix(u64::from(from) << 32 | u64::from(number)) as usize & (self.steps.len() - 1)
    }

    fn step_anew<M: Model<State = S>>(
        &mut self,
        rules: Rules<'_, M>,
        from: StateId,
        call: Call<'_, M::Input, M::Output>,
        now: u64,
    ) -> StateId {
        match rules.model.step(self.get(from), call.input, call.output) {
            None => IMPOSSIBLE,
            Some(state) if state == *self.get(from) => from,
            Some(state) => self.number_at(rules, state, now),
        }
    }

    /// The number of a state, blurred.
    ///
    /// Does not remember a state that has faded, because growing values would fill memory.
    pub(super) fn number_at<M: Model<State = S>>(&mut self, rules: Rules<'_, M>, state: S, now: u64) -> StateId {
        let hash = hash_of(&state);
        if let Some(id) = self.index.find(hash, |id| self.states[id as usize] == state) {
            return id;
        }
        match rules.horizon.and_then(|horizon| rules.model.fades(horizon, &state)) {
            Some((until, into)) if until < now => self.number(rules.model, into, (u64::MAX, 0)),
            Some((until, into)) => {
                let into = self.number(rules.model, into, (u64::MAX, 0));
                self.number(rules.model, state, (until, into))
            }
            None => self.number(rules.model, state, (u64::MAX, 0)),
        }
    }

    fn number<M: Model<State = S>>(&mut self, model: &M, state: S, fades: (u64, StateId)) -> StateId {
        let hash = hash_of(&state);
        if let Some(id) = self.index.find(hash, |id| self.states[id as usize] == state) {
            return id;
        }
        let id = StateId::try_from(self.states.len()).expect("memory ends before the numbers do");
        self.bytes += model.state_bytes(&state);
        self.states.push(state);
        self.fades.push(fades);
        let states = &self.states;
        self.index.insert(hash, id, |id| hash_of(&states[id as usize]));
        id
    }

    /// Forgets all states but these, which are given new numbers in the order in which they come.
    pub(super) fn keep<'a, M: Model<State = S>>(&mut self, model: &M, kept: impl Iterator<Item = &'a mut StateId>) {
        let old = std::mem::replace(self, Self::new(0));
        for id in kept {
            let new = self.number(model, old.states[*id as usize].clone(), (u64::MAX, 0));
            *id = if Bug::KeptStatesAreMixedUp.is_planted() { 0 } else { new };
        }
    }
}
