//! The part of a history that is about one object, in the order of its events.
//!
//! Not here: how an order is found (`search`, `depth`, `unique`, `decrease`).
//! Read next: `search`.

use super::intern::{Index, hash_of};
use crate::history::{Operation, Outcome};
use crate::model::{Call, Model, Use};
use crate::mutants::Bug;

/// A model's operation.
pub(super) type OperationOf<M> = Operation<<M as Model>::Input, <M as Model>::Output>;

/// In place of the return of an operation that never returned.
pub(super) const NEVER: u32 = u32::MAX;

/// An operation that may have had an effect or saw one.
pub(super) struct Op<'a, M: Model> {
    pub operation: &'a OperationOf<M>,
    /// Place of its invocation among the events.
    pub invoked: u32,
    /// Place of its return among the events. [`NEVER`]: its outcome is unknown, it may take
    /// effect whenever or never.
    pub returned: u32,
    /// See [`Model::is_read_only`].
    pub read_only: bool,
}

impl<M: Model> Op<'_, M> {
    pub(super) fn call(&self) -> Call<'_, M::Input, M::Output> {
        call(self.operation)
    }
}

/// What the model sees of an operation.
pub(super) fn call<I, O>(operation: &Operation<I, O>) -> Call<'_, I, O> {
    Call { input: &operation.input, output: operation.outcome.output() }
}

/// What happens next, with the operation's place in [`Partition::ops`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Invoke(u32),
    Return(u32),
}

/// The operations on one object that matter.
pub(super) struct Partition<'a, M: Model> {
    pub ops: Vec<Op<'a, M>>,
    /// By time; of simultaneous events invocations come first, which makes them concurrent.
    pub events: Vec<Event>,
}

impl<'a, M: Model> Partition<'a, M> {
    /// Drops what surely had no effect or, being a read without an answer, says nothing.
    pub(super) fn new(model: &M, operations: &'a [OperationOf<M>], places: &[u32]) -> Self {
        let mut ops = Vec::with_capacity(places.len());
        ops.extend(places.iter().filter_map(|place| relevant(model, &operations[*place as usize])));
        let events = events(&mut ops);
        Self { ops, events }
    }

    /// What the model knows of the rest of the history at each return.
    pub(super) fn horizon(&self, model: &M) -> M::Horizon {
        let returned = self.events.iter().filter_map(|event| match event {
            Event::Return(index) => Some(self.ops[*index as usize].call()),
            Event::Invoke(_) => None,
        });
        let returned = (1..).zip(returned).map(|(returns, call)| Use { call, returns });
        let unknown = self.ops.iter().filter(|op| op.returned == NEVER);
        let uses: Vec<_> = returned.chain(unknown.map(|op| Use { call: op.call(), returns: u64::MAX })).collect();
        model.horizon(&uses)
    }

    /// A number for each operation; equal for equal inputs with equal answers.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let mut index = Index::with_capacity(self.ops.len());
        let told = |place: u32| {
            let Call { input, output } = self.ops[place as usize].call();
            (input, output.filter(|_| !Bug::EqualWhateverTheAnswer.is_planted()))
        };
        let hash = |place: u32| hash_of(&told(place));
        let number = |place| {
            let is_equal = |other: u32| told(other) == told(place);
            index.find(hash(place), is_equal).unwrap_or_else(|| {
                index.insert(hash(place), place, hash);
                place
            })
        };
        (0..position(self.ops.len())).map(number).collect()
    }

    /// The first return after which there is no order, if there is none in the end, as a place
    /// among the events, and its operation; `has_order` is about the first so many events.
    pub(super) fn first_death(&self, has_order: impl Fn(u32) -> bool) -> Option<(u32, u32)> {
        let returns = (0..).zip(&self.events).filter_map(|(at, event)| match event {
            Event::Return(operation) => Some((at, *operation)),
            Event::Invoke(_) => None,
        });
        let returns: Vec<(u32, u32)> = returns.collect();
        returns.get(returns.partition_point(|(at, _)| has_order(at + 1))).copied()
    }

    /// How many operations are pending at the same time at most.
    pub(super) fn pending_max(&self) -> usize {
        let (mut pending, mut most) = (0_usize, 0);
        for event in &self.events {
            match event {
                Event::Invoke(_) => pending += 1,
                Event::Return(_) => pending -= 1,
            }
            most = pending.max(most);
        }
        most
    }
}

fn relevant<'a, M: Model>(model: &M, operation: &'a OperationOf<M>) -> Option<Op<'a, M>> {
    let read_only = model.is_read_only(call(operation));
    let returned = match operation.outcome {
        Outcome::Ok(_) => 0,
        Outcome::Unknown if !read_only && !Bug::UnknownMeansNever.is_planted() => NEVER,
        Outcome::Unknown | Outcome::Fail => return None,
    };
    Some(Op { operation, invoked: 0, returned, read_only })
}

/// Merges invocations and returns, each of which are mostly in order already.
fn events<M: Model>(ops: &mut [Op<'_, M>]) -> Vec<Event> {
    let mut invokes: Vec<(u64, u32)> = (0..).zip(&*ops).map(|(index, op)| (op.operation.invoked_at, index)).collect();
    let answered = (0..).zip(&*ops).filter(|(_, op)| op.returned != NEVER);
    let mut returns: Vec<(u64, u32)> = answered.map(|(index, op)| (op.operation.returned_at, index)).collect();
    if Bug::ReturnsComeFirst.is_planted() {
        returns.iter_mut().for_each(|(at, index)| *at = ops[*index as usize].operation.invoked_at.max(at.saturating_sub(1)));
    }
    invokes.sort();
    returns.sort();
    let mut events = Vec::with_capacity(invokes.len() + returns.len());
    let mut invokes = invokes.into_iter().peekable();
    for (time, index) in returns {
        while let Some((_, invoked)) = invokes.next_if(|(invoked_at, _)| *invoked_at <= time) {
            ops[invoked as usize].invoked = position(events.len());
            events.push(Event::Invoke(invoked));
        }
        ops[index as usize].returned = position(events.len());
        events.push(Event::Return(index));
    }
    for (_, invoked) in invokes {
        ops[invoked as usize].invoked = position(events.len());
        events.push(Event::Invoke(invoked));
    }
    events
}

/// A place as the number that operations and events are kept by.
pub(super) fn position(place: usize) -> u32 {
    u32::try_from(place).expect("an object has fewer than 2^31 operations")
}
