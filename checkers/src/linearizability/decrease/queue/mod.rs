//! Queues: the operations by value, and the verdict.
//!
//! Dequeues of unknown outcome are left out at first, and an order without them is one with
//! them. If there is none, each value that nobody surely dequeued may have been taken by one
//! of them, as if there were enough; what has no order even then has none. In between,
//! this says nothing.
//!
//! Not here: when there is an order (`lives`, `peel`).
//! Read next: `lives`.

mod lives;
mod peel;

use super::super::partition::Partition;
use super::numbers::Numbers;
use super::{LATER, Window, first_death};
use crate::model::{Model, Queueing};
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
            if let Call::Enqueue(value) = call {
                if std::mem::replace(&mut is_enqueued[value as usize], true) {
                    return None;
                }
            }
            calls.push(call);
        }
        let has_unknown = calls.contains(&Call::Unknown);
        Some(Self { calls, values: numbers.len(), has_unknown })
    }
}

/// What dequeues of unknown outcome may have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// Nothing.
    LeftOut,
    /// Whatever helps, more often than there are any.
    Enough,
}

pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Result<Vec<u32>, u32>> {
    let calls = Calls::new(model, partition)?;
    let end = u32::try_from(partition.events.len()).ok()?;
    let order = |end, unknown| Lives::new(&calls, partition, end, unknown)?.order();
    if let Some(order) = order(end, Unknown::LeftOut) {
        return Some(Ok(order));
    }
    let at_most = if calls.has_unknown { Unknown::Enough } else { Unknown::LeftOut };
    let operation = first_death(partition, |end| order(end, at_most).is_some())?;
    // It died here at the latest, and not earlier if there was an order just before.
    let before = partition.ops[operation as usize].returned;
    let is_first = !calls.has_unknown || order(before, Unknown::LeftOut).is_some();
    is_first.then_some(Err(operation))
}
