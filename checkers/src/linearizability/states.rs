//! States by number, so that the search compares and copies numbers and steps only once.
//!
//! Not here: which states are reached (`search`).
//! Read next: `search`.

use super::partition::Partition;
use crate::model::Model;
use std::collections::BTreeMap;

/// The number of a state; in the order in which they were first reached.
pub(super) type StateId = u32;

/// Outcomes remembered per operation. An operation is tried from few states in a row.
const RESULTS: usize = 8;

/// What an operation did to a state.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    from: StateId,
    to: Option<StateId>,
}

/// A state, and the one that it cannot be told from after some return.
struct Entry<S> {
    state: S,
    fades: Option<(u64, StateId)>,
}

pub(super) struct States<'a, M: Model> {
    model: &'a M,
    partition: &'a Partition<'a, M>,
    entries: Vec<Entry<M::State>>,
    ids: BTreeMap<M::State, StateId>,
    results: Vec<[Option<Remembered>; RESULTS]>,
}

impl<'a, M: Model> States<'a, M> {
    pub(super) fn new(model: &'a M, partition: &'a Partition<'a, M>) -> Self {
        let results = vec![[None; RESULTS]; partition.ops.len()];
        Self { model, partition, entries: Vec::new(), ids: BTreeMap::new(), results }
    }

    /// The state before any operation, blurred.
    pub(super) fn initial(&mut self, now: u64) -> StateId {
        self.number_at(self.model.init(), now)
    }

    /// The state itself.
    pub(super) fn get(&self, id: StateId) -> &M::State {
        &self.entries[id as usize].state
    }

    /// The state that stands for this one when the `now`-th return is the next.
    pub(super) fn blur(&self, id: StateId, now: u64) -> StateId {
        match self.entries[id as usize].fades {
            Some((until, into)) if until < now => into,
            _ => id,
        }
    }

    /// The state after an operation, blurred; `None` if it is impossible.
    pub(super) fn step(&mut self, from: StateId, operation: usize, now: u64) -> Option<StateId> {
        let place = from as usize % RESULTS;
        let to = match self.results[operation][place] {
            Some(result) if result.from == from => result.to,
            last => {
                let to = self.step_anew(from, operation, now, last.and_then(|last| last.to));
                self.results[operation][place] = Some(Remembered { from, to });
                to
            }
        };
        to.map(|to| self.blur(to, now))
    }

    /// Looks for the result among the states most likely first: what the operation found
    /// (it changed nothing) and what it made of another state (a put).
    fn step_anew(&mut self, from: StateId, operation: usize, now: u64, guess: Option<StateId>) -> Option<StateId> {
        let call = self.partition.ops[operation].call;
        let state = self.model.step(self.get(from), call.input, call.output)?;
        let guesses = [Some(from), guess];
        let guessed = guesses.into_iter().flatten().find(|guess| *self.get(*guess) == state);
        Some(guessed.unwrap_or_else(|| self.number_at(state, now)))
    }

    /// Does not remember a state that has faded, because growing values would fill memory.
    fn number_at(&mut self, state: M::State, now: u64) -> StateId {
        match self.model.fades(&self.partition.horizon, &state) {
            Some((until, into)) if until < now => self.number(into),
            _ => self.number(state),
        }
    }

    fn number(&mut self, state: M::State) -> StateId {
        if let Some(id) = self.ids.get(&state) {
            return *id;
        }
        let fades = self.model.fades(&self.partition.horizon, &state);
        let id = StateId::try_from(self.entries.len()).expect("memory ends before the numbers do");
        self.ids.insert(state.clone(), id);
        self.entries.push(Entry { state, fades: None });
        let fades = fades.map(|(until, into)| (until, self.number(into)));
        self.entries[id as usize].fades = fades;
        id
    }
}
