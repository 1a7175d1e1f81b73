//! Queues: the operations by value, and the verdict.
//!
//! Dequeues of unknown outcome may have taken values that nobody surely dequeued. There
//! is no telling which, but also no need to: whichever it is, the next such value is taken by the one
//! of them that was invoked first (`peel`).
//!
//! Not here: when there is an order (`lives`, `peel`, `order`).
//! Read next: `lives`.

mod lives;
mod order;
mod peel;

use super::super::partition::Partition;
use super::numbers::Numbers;
use super::{LATER, Window};
use crate::model::{Model, Queueing};
use crate::mutants::Bug;
use lives::Lives;

/// What an operation does, by the number of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Enqueue(u32),
    Dequeue(u32),
    Empty,
    Unknown,
}

struct Calls {
    /// By operation.
    calls: Vec<Call>,
    values: usize,
    has_unknown: bool,
}

impl Calls {
    /// `None` if a value was enqueued twice, or something else was done.
    fn new<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Self> {
        let mut numbers = Numbers::default();
        let mut is_enqueued = Vec::new();
        let mut calls = Vec::with_capacity(partition.ops.len());
        for op in &partition.ops {
            let call = match model.queueing(op.call())? {
                Queueing::Enqueue(value) => Call::Enqueue(numbers.number(value)),
                Queueing::Dequeue(value) => Call::Dequeue(numbers.number(value)),
                Queueing::Empty => Call::Empty,
                Queueing::DequeueUnknown => Call::Unknown,
            };
            is_enqueued.resize(numbers.len(), false);
            if let Call::Enqueue(value) = call
                && std::mem::replace(&mut is_enqueued[value as usize], true)
                && !Bug::EnqueuedTwiceIsOnce.is_planted()
            {
                return None;
            }
            calls.push(call);
        }
        let has_unknown = calls.contains(&Call::Unknown);
        Some(Self { calls, values: numbers.len(), has_unknown })
    }
}

/// What may have become, until some event, of a value whose dequeue had not returned by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InFlight {
    /// That dequeue took it, or none.
    AsAnswered,
    /// Or one of unknown outcome, as if there were one for each such value.
    ByAny,
}

pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Result<Vec<u32>, u32>> {
    let calls = Calls::new(model, partition)?;
    let end = u32::try_from(partition.events.len()).ok()?;
    let order = |end, in_flight| Lives::new(&calls, partition, end, in_flight)?.order();
    if let Some(order) = order(end, InFlight::AsAnswered) {
        return Some(Ok(order));
    }
    let (_, operation) = partition.first_death(|end| order(end, InFlight::AsAnswered).is_some())?;
    // It was possible before. Is it surely impossible now, also if a dequeue in flight got nothing?
    let after = partition.ops[operation as usize].returned + 1;
    let is_dead = !calls.has_unknown || order(after, InFlight::ByAny).is_none();
    is_dead.then_some(Err(operation))
}
