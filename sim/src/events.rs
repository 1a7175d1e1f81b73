//! What is going to happen: a priority queue of small keys, and slabs for what they refer to.
//!
//! The order is (virtual time, drawn tie-break, sequence). The tie-break is drawn from what
//! the event *is*, so that events at the same instant keep their order when others go away;
//! the sequence only decides between equal draws.
//!
//! Nearly all events are due within milliseconds. Those lie in a wheel of buckets, of which most
//! hold one event or none, so that the next one is found by a bit and not by comparisons;
//! the rest, timers above all, lie in a heap. Not here: what the events do ([`crate::world`]).

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

/// A bucket spans 2^16 ns, about 66 microseconds, and the wheel 512 of them, about 34 milliseconds.
const BUCKET_BITS: u32 = 16;
const BUCKETS: usize = 512;
const WORD_BITS: usize = 64;
const WORDS: usize = BUCKETS / WORD_BITS;

#[derive(Clone, Debug)]
pub(crate) struct Queue {
    /// By the due time's bits from `BUCKET_BITS` on, modulo the number of buckets. Unordered: a heap in each would
    /// cost 5 % of a run, and only bursts within one bucket gain by it.
    buckets: Box<[Vec<Event>; BUCKETS]>,
    /// Which buckets hold something.
    filled: [u64; WORDS],
    /// The bucket of the event that was popped last, counted from the beginning of time: nothing is due before it.
    first: u64,
    /// What was due behind the wheel's reach when it was pushed.
    far: BinaryHeap<Event>,
    /// When the first of those is due; the end of time if there is none.
    far_at_ns: u64,
    sequence: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { Vec::new() }; BUCKETS]),
            filled: [0; WORDS],
            first: 0,
            far: BinaryHeap::new(),
            far_at_ns: u64::MAX,
            sequence: 0,
        }
    }
}

impl Queue {
    /// `tie` is 64 drawn bits, of which the lowest 24 count. Nothing may be due before what was popped last.
    #[inline]
    pub(crate) fn push(&mut self, at_ns: u64, tie: u64, what: What) -> Ticket {
        self.sequence += 1;
        debug_assert!(self.sequence <= SEQUENCE_MASK);
        let order = (tie << SEQUENCE_BITS) | self.sequence;
        let bucket = at_ns >> BUCKET_BITS;
        debug_assert!(bucket >= self.first, "time runs backwards");
        if bucket - self.first < BUCKETS as u64 {
            self.push_near(at_ns, order, what);
        } else {
            self.push_far(Event { at_ns, order, what });
        }
        Ticket(self.sequence)
    }

    #[inline]
    fn push_near(&mut self, at_ns: u64, order: u64, what: What) {
        let bucket = slot(at_ns >> BUCKET_BITS);
        self.filled[bucket / WORD_BITS] |= 1 << (bucket % WORD_BITS);
        // Made where it will lie (see `Effects::push_with`).
        self.buckets[bucket].extend(std::iter::once_with(|| Event { at_ns, order, what }));
    }

    #[cold]
    fn push_far(&mut self, event: Event) {
        self.far_at_ns = self.far_at_ns.min(event.at_ns);
        self.far.push(event);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        let mut bucket = self.first_filled();
        if bucket.is_none_or(|bucket| self.far_at_ns >> BUCKET_BITS <= self.buckets[bucket][0].at_ns >> BUCKET_BITS) {
            bucket = self.bring_near().or(bucket); // there may be none, at the end of all time
        }
        let bucket = bucket?;
        let events = &mut self.buckets[bucket];
        let event = events.swap_remove(earliest(events));
        if events.is_empty() {
            self.filled[bucket / WORD_BITS] &= !(1 << (bucket % WORD_BITS));
        }
        self.first = event.at_ns >> BUCKET_BITS;
        Some(event)
    }

    /// Puts the first of the far events into the wheel, in which nothing is due in an earlier bucket.
    #[cold]
    fn bring_near(&mut self) -> Option<usize> {
        let Event { at_ns, order, what } = self.far.pop()?;
        self.far_at_ns = self.far.peek().map_or(u64::MAX, |next| next.at_ns);
        self.push_near(at_ns, order, what);
        Some(slot(at_ns >> BUCKET_BITS))
    }

    pub(crate) fn next_at_ns(&self) -> Option<u64> {
        let near = self.first_filled().map(|bucket| &self.buckets[bucket]).map(|events| events[earliest(events)].at_ns);
        let far = self.far.peek().map(|event| event.at_ns);
        near.into_iter().chain(far).min()
    }

    /// The first bucket that holds something, from `first` on and once around.
    #[inline]
    fn first_filled(&self) -> Option<usize> {
        let start = slot(self.first);
        let (word, bit) = (start / WORD_BITS, start % WORD_BITS);
        let rest = self.filled[word] & (u64::MAX << bit);
        if rest != 0 {
            return Some(word * WORD_BITS + rest.trailing_zeros() as usize);
        }
        // The last of these is the first word again, for the buckets before `start`.
        (1..=WORDS)
            .map(|n| (word + n) % WORDS)
            .find(|word| self.filled[*word] != 0)
            .map(|word| word * WORD_BITS + self.filled[word].trailing_zeros() as usize)
    }
}

/// Where the earliest event of a bucket lies that holds one.
#[inline]
fn earliest(events: &[Event]) -> usize {
    let mut position = 0;
    for other in 1..events.len() {
        if events[other].key() < events[position].key() {
            position = other;
        }
    }
    position
}

/// The bucket of the wheel for one of time.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a remainder of 512")]
const fn slot(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
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
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.insert_with(|| value)
    }

    /// As [`Self::insert`] of a value that is made where it will lie, and not moved there.
    #[inline(always)]
    pub(crate) fn insert_with(&mut self, make: impl FnOnce() -> T) -> u32 {
        if let Some(slot) = self.free.pop() {
            let place = &mut self.slots[slot as usize];
            debug_assert!(place.is_none());
            std::mem::forget(place.replace(make())); // There is nothing to drop, which the compiler cannot know.
            return slot;
        }
        self.slots.push(Some(make()));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 events are in flight")
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let place = self.slots.get_mut(slot as usize).filter(|place| place.is_some())?;
        self.free.push(slot);
        place.take() // Last, so that it is moved once.
    }

    /// Everything that is in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        /// Against a heap of everything, with events near and far, and pauses that turn the wheel around.
        #[test]
        fn equals_a_heap(steps in prop::collection::vec((prop_oneof![0u64..4, 0u64..100_000_000, 0u64..3_000_000_000], 0u64..3, any::<bool>()), 1..400)) {
            let (mut queue, mut heap, mut now_ns) = (Queue::default(), BinaryHeap::new(), 0);
            for (delay_ns, tie, pop) in steps {
                let Ticket(sequence) = queue.push(now_ns + delay_ns, tie, What::Timer(0));
                heap.push(Event { at_ns: now_ns + delay_ns, order: (tie << SEQUENCE_BITS) | sequence, what: What::Timer(0) });
                prop_assert_eq!(queue.next_at_ns(), heap.peek().map(|event| event.at_ns));
                if pop {
                    let event = queue.pop();
                    prop_assert_eq!(event, heap.pop());
                    now_ns = event.map_or(now_ns, |event| event.at_ns);
                }
            }
            while let Some(event) = heap.pop() {
                prop_assert_eq!(queue.pop(), Some(event));
            }
            prop_assert!(queue.pop().is_none());
        }
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
