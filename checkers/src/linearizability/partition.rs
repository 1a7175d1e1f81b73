//! The part of a history that is about one object, in the order of its events.
//!
//! Not here: the search over it (`search`).
//! Read next: `search`.

use crate::history::{Operation, Outcome};
use crate::model::{Call, Model, Use};

/// A model's view of an operation.
pub(super) type CallOf<'a, M> = Call<'a, <M as Model>::Input, <M as Model>::Output>;

/// An operation that may have had an effect or saw one.
pub(super) struct Op<'a, M: Model> {
    pub id: u64,
    pub client: u64,
    pub call: CallOf<'a, M>,
    pub invoked_at: u64,
    /// `None`: its outcome is unknown, it may take effect whenever or never.
    pub returned_at: Option<u64>,
    pub read_only: bool,
    /// Its place in sets; shared with operations that are never pending at the same time.
    pub slot: usize,
    /// Equal for operations of unknown outcome with equal inputs.
    pub class: usize,
    /// See [`Model::inert_from`]; `u64::MAX` unless the outcome is unknown.
    pub inert_from: u64,
}

/// What happens next, with the operation's place in [`Partition::ops`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Invoke(usize),
    Return(usize),
}

/// Everything the search needs to know about one object.
pub(super) struct Partition<'a, M: Model> {
    pub ops: Vec<Op<'a, M>>,
    /// By time; of simultaneous events invocations come first, which makes them concurrent.
    pub events: Vec<Event>,
    pub horizon: M::Horizon,
    /// How many operations are pending at the same time at most.
    pub slots: usize,
}

impl<'a, M: Model> Partition<'a, M> {
    /// Drops what surely had no effect or, being a read without an answer, says nothing.
    pub(super) fn new(model: &M, operations: &[&'a Operation<M::Input, M::Output>]) -> Self {
        let mut ops: Vec<_> = operations.iter().filter_map(|operation| relevant(model, operation)).collect();
        let events = events(&ops);
        let horizon = model.horizon(&uses(&ops, &events));
        for op in ops.iter_mut().filter(|op| op.returned_at.is_none()) {
            op.inert_from = model.inert_from(&horizon, op.call.input);
        }
        classify(&mut ops);
        let slots = assign_slots(&mut ops, &events);
        Self { ops, events, horizon, slots }
    }
}

fn relevant<'a, M: Model>(model: &M, operation: &'a Operation<M::Input, M::Output>) -> Option<Op<'a, M>> {
    let call = Call { input: &operation.input, output: operation.outcome.output() };
    let read_only = model.is_read_only(call);
    let returned_at = match operation.outcome {
        Outcome::Ok(_) => Some(operation.returned_at),
        Outcome::Unknown if !read_only => None,
        Outcome::Unknown | Outcome::Fail => return None,
    };
    let &Operation { id, client, invoked_at, .. } = operation;
    Some(Op { id, client, call, invoked_at, returned_at, read_only, slot: 0, class: 0, inert_from: u64::MAX })
}

fn events<M: Model>(ops: &[Op<'_, M>]) -> Vec<Event> {
    let mut events = Vec::with_capacity(ops.len() * 2);
    for (index, op) in ops.iter().enumerate() {
        events.push((op.invoked_at, 0, index, Event::Invoke(index)));
        if let Some(returned_at) = op.returned_at {
            events.push((returned_at, 1, index, Event::Return(index)));
        }
    }
    events.sort_unstable_by_key(|(time, kind, index, _)| (*time, *kind, *index));
    events.into_iter().map(|(.., event)| event).collect()
}

/// Operations that return in the order of their returns, then the others.
fn uses<'a, M: Model>(ops: &[Op<'a, M>], events: &[Event]) -> Vec<Use<'a, M::Input, M::Output>> {
    let returned = events.iter().filter_map(|event| match event {
        Event::Return(index) => Some(ops[*index].call),
        Event::Invoke(_) => None,
    });
    let returned = (1..).zip(returned).map(|(returns, call)| Use { call, returns });
    let unknown = ops.iter().filter(|op| op.returned_at.is_none());
    returned.chain(unknown.map(|op| Use { call: op.call, returns: u64::MAX })).collect()
}

fn classify<M: Model>(ops: &mut [Op<'_, M>]) {
    let mut unknown: Vec<_> = ops.iter_mut().filter(|op| op.returned_at.is_none()).collect();
    unknown.sort_by(|left, right| left.call.input.cmp(right.call.input));
    for class in 1..unknown.len() {
        let same = unknown[class].call.input == unknown[class - 1].call.input;
        unknown[class].class = if same { unknown[class - 1].class } else { class };
    }
}

fn assign_slots<M: Model>(ops: &mut [Op<'_, M>], events: &[Event]) -> usize {
    let mut released = Vec::new();
    let mut slots = 0;
    for event in events {
        match *event {
            Event::Return(index) => released.push(ops[index].slot),
            Event::Invoke(index) => {
                ops[index].slot = released.pop().unwrap_or_else(|| {
                    slots += 1;
                    slots - 1
                });
            }
        }
    }
    slots
}
