//! Judging a history while it arrives.
//!
//! Configuration sets need no look back, so what has returned can be forgotten. They do need
//! to know how an operation ends before they can let it take effect. So events wait behind
//! the oldest operation in flight; memory is bounded by what is in flight and by what
//! happened since the oldest of it began. At a quiet point nothing waits.
//!
//! Without the rest of the history there is no foresight ([`Model::horizon`]), so operations
//! of unknown outcome stay pending for ever, and many of them cost more than in [`super::check`].
//! Not here: an order that proves the verdict; only a complete history has one.

use super::limits::{Halt, Limit, Limits, Meter};
use super::partition::NEVER;
use super::pending::{Called, Pending};
use super::search::Frontier;
use super::states::Rules;
use super::steps::Cut;
use crate::history::Outcome;
use crate::model::{Call, Model};
use crate::mutants::Bug;
use std::collections::{BTreeMap, VecDeque};

/// Words of a set: how many operations on one key may be pending, in units of 64.
const WORDS: usize = 4;

/// States that an object may know before it forgets those that are not possible any more.
const STATES_KEPT: usize = 256;

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoFar<K> {
    /// There is an order of all that returned. Operations in flight may be part of it.
    Ok,
    /// There is none, and nothing that comes later will change that.
    Illegal {
        /// The object.
        key: K,
        /// The operation that could not return when it did.
        operation: u64,
    },
    /// No key was found to be illegal, and this one could not be decided.
    Unknown {
        /// The first such key.
        key: K,
        /// Why.
        limit: Limit,
    },
}

/// Why an event is no part of a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The operation is in flight already.
    #[error("operation {0}: found a second invocation while it is in flight, expected its end")]
    InFlight(u64),
    /// The operation is not in flight.
    #[error("operation {0}: found its end, expected an invocation before")]
    NotInFlight(u64),
}

/// A judge of events as they arrive.
///
/// Of two operations one precedes the other if its end was given before the other's
/// invocation. If events have times, give those of one moment invocations first.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::history::Outcome;
/// use squall_checkers::linearizability::{Limits, SoFar, Stream};
/// use squall_checkers::model::kv::{Input, Kv, Output};
///
/// let key = Bytes::from_static(b"k");
/// let mut stream = Stream::new(Kv, Limits::default());
/// stream.invoke(1, Input::Put { key: key.clone(), value: Bytes::from_static(b"v") })?;
/// stream.end(1, Outcome::Ok(Output::Done))?;
/// assert_eq!(stream.verdict(), SoFar::Ok);
///
/// stream.invoke(2, Input::Get { key: key.clone() })?;
/// stream.end(2, Outcome::Ok(Output::Value(None)))?;
/// assert_eq!(stream.verdict(), SoFar::Illegal { key, operation: 2 });
/// # Ok::<(), squall_checkers::linearizability::StreamError>(())
/// ```
#[derive(Clone)]
pub struct Stream<M: Model> {
    model: M,
    limits: Limits<'static>,
    /// The key of each operation in flight.
    in_flight: BTreeMap<u64, M::Key>,
    objects: BTreeMap<M::Key, Object<M>>,
}

impl<M: Model + Clone> Stream<M> {
    /// A judge who saw nothing yet. The limits hold for each event, not for all together.
    pub fn new(model: M, limits: Limits<'static>) -> Self {
        Self { model, limits, in_flight: BTreeMap::new(), objects: BTreeMap::new() }
    }

    /// An operation began.
    ///
    /// # Errors
    ///
    /// [`StreamError::InFlight`] if it began before and did not end.
    pub fn invoke(&mut self, id: u64, input: M::Input) -> Result<(), StreamError> {
        let key = self.model.partition_key(&input).into_owned();
        if self.in_flight.contains_key(&id) {
            return Err(StreamError::InFlight(id));
        }
        self.in_flight.insert(id, key.clone());
        let model = &self.model;
        self.objects.entry(key).or_insert_with(|| Object::new(model)).invoke(id, input);
        Ok(())
    }

    /// An operation was answered, or surely failed, or nobody will know any more.
    ///
    /// # Errors
    ///
    /// [`StreamError::NotInFlight`] if it did not begin, or ended before.
    pub fn end(&mut self, id: u64, outcome: Outcome<M::Output>) -> Result<(), StreamError> {
        let key = self.in_flight.remove(&id).ok_or(StreamError::NotInFlight(id))?;
        let object = self.objects.get_mut(&key).expect("an operation in flight is about an object");
        object.end(id, outcome);
        object.advance(&self.model, self.limits);
        Ok(())
    }

    /// What is known now. At a quiet point this costs next to nothing; else events that wait
    /// for an operation in flight are looked at once more.
    pub fn verdict(&self) -> SoFar<M::Key> {
        let mut undecided = None;
        for (key, object) in &self.objects {
            match object.now(&self.model, self.limits) {
                State::Alive => {}
                State::Dead(operation) => return SoFar::Illegal { key: key.clone(), operation },
                State::Lost(limit) => undecided = undecided.or(Some(SoFar::Unknown { key: key.clone(), limit })),
            }
        }
        undecided.unwrap_or(SoFar::Ok)
    }

    /// Operations in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Events that wait for an operation in flight.
    pub fn waiting(&self) -> usize {
        self.objects.values().map(|object| object.waiting.len()).sum()
    }
}

/// An operation with its end.
struct Ended<M: Model> {
    input: M::Input,
    output: Option<M::Output>,
}

impl<M: Model> Clone for Ended<M> {
    fn clone(&self) -> Self {
        Self { input: self.input.clone(), output: self.output.clone() }
    }
}

impl<M: Model> Called<M> for Ended<M> {
    fn call(&self) -> Call<'_, M::Input, M::Output> {
        Call { input: &self.input, output: self.output.as_ref() }
    }
}

/// What has not been judged yet.
enum Waiting<M: Model> {
    /// An invocation with its end, if that is known, and the order of its return.
    Invoke {
        id: u64,
        input: M::Input,
        end: Option<(Outcome<M::Output>, u32)>,
    },
    Return {
        id: u64,
    },
}

impl<M: Model> Clone for Waiting<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Invoke { id, input, end } => Self::Invoke { id: *id, input: input.clone(), end: end.clone() },
            Self::Return { id } => Self::Return { id: *id },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Alive,
    Dead(u64),
    Lost(Limit),
}

/// One key.
struct Object<M: Model> {
    frontier: Frontier<M::State, Ended<M>, WORDS>,
    waiting: VecDeque<Waiting<M>>,
    /// Numbers of the operations that are pending in the frontier, by id.
    numbers: BTreeMap<u64, u32>,
    next_number: u32,
    ended: u32,
    states_max: usize,
    state: State,
}

impl<M: Model> Clone for Object<M> {
    fn clone(&self) -> Self {
        Self { frontier: self.frontier.clone(), waiting: self.waiting.clone(), numbers: self.numbers.clone(), ..*self }
    }
}

impl<M: Model> Object<M> {
    fn new(model: &M) -> Self {
        Self {
            frontier: Frontier::new(Rules { model, horizon: None }, 0, None, &Cut::start(model.init())),
            waiting: VecDeque::new(),
            numbers: BTreeMap::new(),
            next_number: 0,
            ended: 0,
            states_max: STATES_KEPT,
            state: State::Alive,
        }
    }

    fn invoke(&mut self, id: u64, input: M::Input) {
        if self.state == State::Alive {
            self.waiting.push_back(Waiting::Invoke { id, input, end: None });
        }
    }

    fn end(&mut self, id: u64, outcome: Outcome<M::Output>) {
        let is_answered = matches!(outcome, Outcome::Ok(_));
        self.ended = self.ended.saturating_add(1).min(NEVER - 1);
        let order = if Bug::ReturnsInReverse.is_planted() { NEVER - self.ended } else { self.ended };
        let returns = if is_answered { order } else { NEVER };
        for waiting in &mut self.waiting {
            if let Waiting::Invoke { id: other, end: end @ None, .. } = waiting
                && *other == id
            {
                *end = Some((outcome, returns));
                if is_answered {
                    self.waiting.push_back(Waiting::Return { id });
                }
                return;
            }
        }
    }

    /// Judges what need not wait.
    fn advance(&mut self, model: &M, limits: Limits<'_>) {
        while self.state == State::Alive {
            match self.waiting.pop_front() {
                None => return,
                Some(waiting @ Waiting::Invoke { end: None, .. }) => {
                    self.waiting.push_front(waiting);
                    return;
                }
                Some(Waiting::Invoke { id, input, end: Some((outcome, returns)) }) => {
                    self.enter(model, id, input, outcome, returns);
                }
                Some(Waiting::Return { id }) => self.leave(model, id, limits),
            }
        }
        self.waiting.clear();
    }

    fn enter(&mut self, model: &M, id: u64, input: M::Input, outcome: Outcome<M::Output>, returns: u32) {
        let is_unknown = outcome == Outcome::Unknown;
        if outcome == Outcome::Fail {
            return;
        }
        let output = match outcome {
            Outcome::Ok(output) => Some(output),
            Outcome::Fail | Outcome::Unknown => None,
        };
        let operation = Ended::<M> { input, output };
        let read_only = model.is_read_only(operation.call());
        if is_unknown && read_only {
            return;
        }
        let pending = self.frontier.slots.len();
        if pending == WORDS * 64 {
            self.state = State::Lost(Limit::Pending(pending + 1));
            return;
        }
        let is_equal =
            |other: &&Pending<Ended<M>>| other.operation.input == operation.input && other.operation.output == operation.output;
        let equal = self.frontier.slots.iter().find(is_equal).map(|other| other.number);
        let number = equal.unwrap_or_else(|| self.fresh());
        let index = if is_unknown { NEVER } else { self.fresh() };
        if !is_unknown {
            self.numbers.insert(id, index);
        }
        let pending = Pending { operation, index, number, returns, read_only, inert_from: u64::MAX };
        self.frontier.invoke(Rules { model, horizon: None }, pending, is_unknown);
    }

    /// A number that no pending operation has.
    fn fresh(&mut self) -> u32 {
        self.next_number = (self.next_number + 1) % NEVER;
        self.next_number
    }

    fn leave(&mut self, model: &M, id: u64, limits: Limits<'_>) {
        let Some(index) = self.numbers.remove(&id) else { return };
        let rules = Rules { model, horizon: None };
        self.state = match self.frontier.give_back(rules, index, &mut Meter::new(limits)) {
            Ok(true) => State::Alive,
            Ok(false) => State::Dead(id),
            Err(Halt::Limit(limit)) => State::Lost(limit),
            Err(Halt::Pause) => unreachable!("nobody asked for a pause"),
        };
        if self.states_max < self.frontier.states.len() {
            let Frontier { states, configs, .. } = &mut self.frontier;
            states.keep(model, configs.iter_mut().map(|config| &mut config.state));
            self.states_max = STATES_KEPT.max(4 * self.frontier.states.len());
        }
    }

    /// What is known if no operation in flight ever ends.
    fn now(&self, model: &M, limits: Limits<'_>) -> State {
        if self.state != State::Alive || self.waiting.is_empty() {
            return self.state;
        }
        let mut supposed = self.clone();
        for waiting in &mut supposed.waiting {
            if let Waiting::Invoke { end: end @ None, .. } = waiting {
                let outcome = if Bug::InFlightHasFailed.is_planted() { Outcome::Fail } else { Outcome::Unknown };
                *end = Some((outcome, NEVER));
            }
        }
        supposed.advance(model, limits);
        supposed.state
    }
}
