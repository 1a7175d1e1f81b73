//! Collections in which nothing is put in twice: an order in polynomial time.
//!
//! A dequeue then says which enqueue it followed. As long as there is a value that may go
//! before all others, it is taken out of the history with all its operations; if none is
//! left, there is an order, and if there are others but no such value, there is none (Lee and
//! Mathur, Efficient decrease-and-conquer linearizability monitoring, 2025). In a set elements
//! come and go without each other, so each is taken out by itself, as long as nobody reads
//! the whole set.
//!
//! | object | condition | declined |
//! | --- | --- | --- |
//! | queue | no value was enqueued twice | what died while a dequeue was in flight and another one of unknown outcome may have taken its value |
//! | set | no element was added twice, adds that changed nothing aside | reads of the whole set together with removals |
//!
//! What happened in a prefix of the history is judged in the same way, so the return that
//! has no place is found by bisection.
//!
//! Not here: histories in which something is put in twice; the searches know them.
//! Read next: `queue`, `set`.

mod numbers;
mod queue;
mod set;

use super::partition::{Op, Partition};
use crate::model::Model;

/// An order of the operations, or the one that has no place in any; `None` if this is not
/// the way to find out.
pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Result<Vec<u32>, u32>> {
    queue::judge(model, partition).or_else(|| set::judge(model, partition))
}

/// In place of the last gap of an operation that had not returned, and of the first gap of
/// one that nobody asked for.
const LATER: u32 = u32::MAX;

/// When an operation may take effect: from the first to the last of these gaps between
/// events. A gap has the number of the event before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: u32,
    to: u32,
}

impl Window {
    /// As seen after the first `end` events; `None` if it was not invoked by then.
    fn new<M: Model>(op: &Op<'_, M>, end: u32) -> Option<Self> {
        let to = if op.returned < end { op.returned - 1 } else { LATER };
        (op.invoked < end).then_some(Self { from: op.invoked, to })
    }

    /// Whether it returned. Others may have taken effect, but need not have.
    fn is_certain(self) -> bool {
        self.to != LATER
    }
}
