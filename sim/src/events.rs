//! What is going to happen: a priority queue of small keys, and slabs for what they refer to.
//!
//! The order is (virtual time, drawn tie-break, sequence). The tie-break is drawn from what
//! the event *is*, so that events at the same instant keep their order when others go away;
//! the sequence only decides between equal draws.
//!
//! Not here: what the events do ([`crate::world`]).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

const SEQUENCE_BITS: u32 = 40;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;

/// What happens: a kind, and a slot in that kind's slab or the position of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Deliver(u32),
    Request(u32),
    Reply(u32),
    Timer(u32),
    Disk(u32),
    Held(u32),
    Wake(u32),
}

/// Names a queued event; whoever waits for one compares tickets, so that a stale one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) at_ns: u64,
    order: u64,
    pub(crate) what: What,
}

impl Event {
    pub(crate) const fn ticket(&self) -> Ticket {
        Ticket(self.order & SEQUENCE_MASK)
    }

    #[inline]
    fn key(&self) -> u128 {
        (u128::from(self.at_ns) << 64) | u128::from(self.order)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    /// Reversed, because the standard heap has its greatest element on top.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Event>,
    sequence: u64,
}

impl Queue {
    /// `tie` is 64 drawn bits, of which the lowest 24 count.
    #[inline]
    pub(crate) fn push(&mut self, at_ns: u64, tie: u64, what: What) -> Ticket {
        self.sequence += 1;
        debug_assert!(self.sequence <= SEQUENCE_MASK);
        self.heap.push(Event { at_ns, order: (tie << SEQUENCE_BITS) | self.sequence, what });
        Ticket(self.sequence)
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.heap.pop()
    }

    pub(crate) fn next_at_ns(&self) -> Option<u64> {
        self.heap.peek().map(|event| event.at_ns)
    }
}

/// Values with stable, reused slot numbers.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(value);
            return slot;
        }
        self.slots.push(Some(value));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 events are in flight")
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let value = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_then_draw_then_sequence() {
        let mut queue = Queue::default();
        for (at_ns, tie, node) in [(5, 1, 0), (3, 9, 1), (3, 2, 2), (3, 2, 3), (3, 1 << 24, 4)] {
            queue.push(at_ns, tie, What::Timer(node));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|event| event.what).collect();
        assert_eq!(order, [4, 2, 3, 1, 0].map(What::Timer), "of a tie, only the lowest 24 bits count");
    }

    #[test]
    fn slots_are_reused_and_taken_once() {
        let mut slab = Slab::default();
        let first = slab.insert("first");
        assert_eq!(slab.take(first), Some("first"));
        assert_eq!(slab.take(first), None);
        assert_eq!(slab.insert("second"), first);
        assert_eq!(slab.get(first), Some(&"second"));
        assert_eq!(slab.get(7), None);
    }
}
