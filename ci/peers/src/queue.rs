//! The queue of events: a binary heap by virtual time, then by the order of insertion.
//!
//! The heap moves keys only; events lie still beside it, because a message of raft-rs is as
//! large as ten keys and would make every sift a long copy.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Virtual time, number of the insertion, place of the event.
type Key = (u64, u64, usize);

/// Events in the order of virtual time.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<Key>>,
    events: Vec<Option<E>>,
    free: Vec<usize>,
    pushed: u64,
    now_ns: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), events: Vec::new(), free: Vec::new(), pushed: 0, now_ns: 0 }
    }
}

impl<E> Queue<E> {
    /// Virtual time of the event that was taken last.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Lets something happen after this much virtual time.
    pub fn push(&mut self, after_ns: u64, event: E) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[slot] = Some(event);
        self.pushed += 1;
        self.heap.push(Reverse((self.now_ns + after_ns, self.pushed, slot)));
    }

    /// Takes the next event if it is due by this time.
    pub fn pop_until(&mut self, until_ns: u64) -> Option<E> {
        let Reverse((at_ns, ..)) = *self.heap.peek()?;
        if at_ns > until_ns {
            return None;
        }
        let Reverse((_, _, slot)) = self.heap.pop()?;
        self.now_ns = at_ns;
        self.free.push(slot);
        self.events[slot].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_by_insertion() {
        let mut queue = Queue::default();
        for (after_ns, event) in [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b'), (9, 'e')] {
            queue.push(after_ns, event);
        }
        let due: String = std::iter::from_fn(|| queue.pop_until(8)).collect();
        assert_eq!(due, "abcd");
        assert_eq!(queue.now_ns(), 5);
        queue.push(4, 'f');
        assert_eq!(queue.pop_until(9), Some('e'));
        assert_eq!(queue.pop_until(9), Some('f'));
        assert_eq!(queue.pop_until(9), None);
    }
}
