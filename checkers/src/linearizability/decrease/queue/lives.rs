//! The life of each value in a queue: when it can have been enqueued, and dequeued.
//!
//! A value that nobody dequeued is dequeued after all events, as the others are that are
//! still there; so every life has both ends. An enqueue or dequeue that had not returned is
//! needed only if the other end says so.
//! Not here: the order of lives (`peel`).

use super::super::super::partition::Partition;
use super::{Call, Calls, InFlight, LATER, Window};
use crate::model::Model;
use crate::mutants::Bug;

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
    /// Dequeues that found nothing.
    pub empty: Vec<(Window, u32)>,
    /// Dequeues of unknown outcome, by the gap in which they were invoked.
    pub unknown: Vec<(u32, u32)>,
}

impl Lives {
    /// `None` if a value left twice, or never came.
    pub(super) fn new<M: Model>(calls: &Calls, partition: &Partition<'_, M>, end: u32, in_flight: InFlight) -> Option<Self> {
        let mut lives = vec![NOTHING; calls.values];
        let (mut empty, mut unknown) = (Vec::new(), Vec::new());
        for ((operation, op), call) in (0..).zip(&partition.ops).zip(&calls.calls) {
            let Some(window) = Window::new(op, end) else { continue };
            match *call {
                Call::Enqueue(value) => {
                    let life = &mut lives[value as usize];
                    (life.enqueue, life.put) = (operation, window);
                }
                Call::Dequeue(value) => lives[value as usize].leave(operation, window)?,
                Call::Empty if window.is_certain() => empty.push((window, operation)),
                Call::Empty => {}
                Call::Unknown => unknown.push((window.from, operation)),
            }
        }
        unknown.sort_unstable();
        lives.retain(|life| {
            (life.put.is_certain() && !(Bug::WhatStaysNeverCame.is_planted() && life.dequeue == NONE)) || life.taken.is_certain()
        });
        for life in &mut lives {
            let by_any = unknown.first().filter(|_| in_flight == InFlight::ByAny && life.is_in_flight());
            if let Some((from, _)) = by_any {
                life.taken.from = life.taken.from.min(*from);
            }
            life.narrow()?;
        }
        Some(Self { lives, empty, unknown })
    }
}

impl Life {
    /// Notes a dequeue; `None` if the value surely left twice.
    fn leave(&mut self, operation: u32, window: Window) -> Option<()> {
        if window.is_certain() && self.taken.is_certain() && !Bug::DequeuedTwiceIsOnce.is_planted() {
            return None;
        }
        // Of two that may have done it, what the later one can do the earlier one can.
        if window.is_certain() || (!self.taken.is_certain() && window.from < self.taken.from) {
            (self.dequeue, self.taken) = (operation, window);
        }
        Some(())
    }

    /// Whether a dequeue may have taken it that had not returned.
    fn is_in_flight(&self) -> bool {
        self.dequeue != NONE && !self.taken.is_certain()
    }

    /// It left after it came; `None` if it never came. If that is too late, it waits for itself, and one
    /// that left before another one came goes first.
    fn narrow(&mut self) -> Option<()> {
        self.taken.from = self.taken.from.max(self.put.from);
        (self.enqueue != NONE).then_some(())
    }
}
