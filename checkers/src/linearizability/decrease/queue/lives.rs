//! The life of each value in a queue: when it can have been enqueued, and dequeued.
//!
//! A value that nobody dequeued is dequeued after all events, as the others are that are
//! still there; so every life has both ends. An enqueue or dequeue that had not returned is
//! needed only if the other end says so.
//!
//! A dequeue that found nothing needs a gap between events in which no value was surely there.
//! Such a gap cuts the history in two: every value can live on one side of it.
//! Not here: the order of lives (`peel`).

use super::super::super::partition::Partition;
use super::{Call, Calls, LATER, Unknown, Window};
use crate::model::Model;

/// In place of an operation.
pub(super) const NONE: u32 = u32::MAX;

/// A value that was in the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub enqueue: u32,
    pub put: Window,
    /// [`NONE`] if nobody did.
    pub dequeue: u32,
    pub taken: Window,
}

const NOTHING: Life = {
    let never = Window { from: LATER, to: LATER };
    Life { enqueue: NONE, put: never, dequeue: NONE, taken: never }
};

/// What happened in the first events.
pub(super) struct Lives {
    pub lives: Vec<Life>,
    /// Gaps in which there was nothing, in their order, each with the dequeue that saw it.
    pub moments: Vec<(u32, u32)>,
}

impl Lives {
    /// `None` if a value left twice or before it came, or was surely there when it was not seen.
    pub(super) fn new<M: Model>(calls: &Calls, partition: &Partition<'_, M>, end: u32, unknown: Unknown) -> Option<Self> {
        let mut lives = vec![NOTHING; calls.values];
        let mut moments = Vec::new();
        let mut first_unknown = LATER;
        for ((operation, op), call) in (0..).zip(&partition.ops).zip(&calls.calls) {
            let Some(window) = Window::new(op, end) else { continue };
            match *call {
                Call::Enqueue(value) => {
                    let life = &mut lives[value as usize];
                    (life.enqueue, life.put) = (operation, window);
                }
                Call::Dequeue(value) => lives[value as usize].leave(operation, window)?,
                Call::Empty if window.is_certain() => moments.push((window, operation)),
                Call::Empty => {}
                Call::Unknown => first_unknown = first_unknown.min(window.from),
            }
        }
        lives.retain(|life| life.put.is_certain() || life.taken.is_certain());
        for life in &mut lives {
            if !life.taken.is_certain() && unknown == Unknown::Enough {
                life.taken.from = life.taken.from.min(first_unknown);
            }
            life.narrow()?;
        }
        let moments = empty(&lives, moments)?;
        Some(Self { lives, moments })
    }
}

impl Life {
    /// Notes a dequeue; `None` if the value surely left twice.
    fn leave(&mut self, operation: u32, window: Window) -> Option<()> {
        if window.is_certain() && self.taken.is_certain() {
            return None;
        }
        // Of two that may have done it, the earlier one could do more.
        if window.is_certain() || (!self.taken.is_certain() && window.from < self.taken.from) {
            (self.dequeue, self.taken) = (operation, window);
        }
        Some(())
    }

    /// It came before it left; `None` if it cannot have.
    fn narrow(&mut self) -> Option<()> {
        if self.enqueue == NONE {
            return None;
        }
        self.put.to = self.put.to.min(self.taken.to);
        self.taken.from = self.taken.from.max(self.put.from);
        (self.put.from <= self.put.to).then_some(())
    }
}

/// For each dequeue that found nothing, the first gap in which that was possible.
fn empty(lives: &[Life], dequeues: Vec<(Window, u32)>) -> Option<Vec<(u32, u32)>> {
    if dequeues.is_empty() {
        return Some(Vec::new());
    }
    // Surely there from the first gap up to, not including, the second one.
    let mut there: Vec<(u32, u32)> =
        lives.iter().map(|life| (life.put.to.saturating_add(1), life.taken.from)).filter(|(from, to)| from < to).collect();
    there.sort_unstable();
    there.dedup_by(|next, last| {
        let is_joined = next.0 <= last.1;
        if is_joined {
            last.1 = last.1.max(next.1);
        }
        is_joined
    });
    let first = |(window, operation): (Window, u32)| {
        let before = there.partition_point(|(from, _)| *from <= window.from);
        let gap = before.checked_sub(1).map_or(window.from, |last| there[last].1.max(window.from));
        (gap <= window.to).then_some((gap, operation))
    };
    let mut moments = dequeues.into_iter().map(first).collect::<Option<Vec<_>>>()?;
    moments.sort_unstable();
    Some(moments)
}
