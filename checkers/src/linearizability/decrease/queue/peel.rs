//! The order of values in a queue: one after the other is taken out that may go first.
//!
//! A value may go first if no other one was surely enqueued before it, nor surely dequeued
//! before it. Nothing is lost by taking any such value: the others have an order with it
//! exactly if they have one without it. (Both relations are interval orders, so a circle of
//! values that wait for each other always contains two that do.)
//!
//! Values that nobody surely dequeued are all alike at that end: the next one to go is taken by
//! the first dequeue of unknown outcome that is left, or stays. So they wait until nothing else may go,
//! and of those that may, the one goes whose enqueue returned first. Had another one gone in
//! its place, exchanging both would leave the order right, and the queue empty as often.
//! Not here: values by themselves (`lives`), dequeues that found nothing (`order`).

use super::lives::{Life, NONE};
use super::{LATER, Window};
use crate::mutants::Bug;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Takes out one value after the other, and says which dequeue of unknown outcome took what;
/// `None` if there are values of which none may go first.
pub(super) fn peel(lives: &mut [Life], unknown: &[(u32, u32)]) -> Option<Vec<u32>> {
    let mut puts = Side::new(lives, |life| Some(life.put));
    let mut takes = Side::new(lives, |life| (life.dequeue != NONE).then_some(life.taken));
    if Bug::EnqueuesInAnyOrder.is_planted() {
        puts.by_to.clear();
    }
    // On how many sides it has to wait.
    let mut waits: Vec<u8> = lives.iter().map(|life| if life.dequeue == NONE { 1 } else { 2 }).collect();
    let mut is_out = vec![false; lives.len()];
    let mut unknown = unknown.iter();
    let (mut free, mut free_to_stay) = (Vec::new(), BinaryHeap::new());
    let mut order = Vec::with_capacity(lives.len());
    while order.len() < lives.len() {
        let mut release = |value: u32| {
            let life = &lives[value as usize];
            waits[value as usize] -= 1;
            match (waits[value as usize], life.dequeue) {
                (0, NONE) => free_to_stay.push(Reverse((life.put.to, value))),
                (0, _) => free.push(value),
                _ => {}
            }
        };
        puts.release(&is_out, &mut release);
        let first_taken = takes.release(&is_out, &mut release);
        let value = if let Some(value) = free.pop() {
            value
        } else {
            let Reverse((_, value)) = free_to_stay.pop()?;
            let (from, operation) = unknown.next().copied().unwrap_or((LATER, NONE));
            if first_taken < from {
                return None;
            }
            let life = &mut lives[value as usize];
            let from = if Bug::UnknownDequeueBeforeItsTime.is_planted() { 0 } else { from };
            (life.dequeue, life.taken.from) = (operation, from.max(life.put.from));
            value
        };
        is_out[value as usize] = true;
        order.push(value);
    }
    Some(order)
}

/// All values by one of their ends.
struct Side {
    /// By the first gap and by the last.
    by_from: Vec<(u32, u32)>,
    by_to: Vec<(u32, u32)>,
    released: usize,
    first_in: usize,
}

impl Side {
    fn new(lives: &[Life], window: impl Fn(&Life) -> Option<Window>) -> Self {
        let sorted = |gap: &dyn Fn(Window) -> u32| {
            let windows = (0..).zip(lives).filter_map(|(value, life)| Some((value, window(life)?)));
            let mut sorted: Vec<(u32, u32)> = windows.map(|(value, window)| (gap(window), value)).collect();
            sorted.sort_unstable();
            sorted
        };
        Self { by_from: sorted(&|window| window.from), by_to: sorted(&|window| window.to), released: 0, first_in: 0 }
    }

    /// Names the values that no longer wait for another one on this side; returns the last gap
    /// before another one must have gone.
    fn release(&mut self, is_out: &[bool], name: &mut impl FnMut(u32)) -> u32 {
        while self.by_to.get(self.first_in).is_some_and(|(_, value)| is_out[*value as usize]) {
            self.first_in += 1;
        }
        let limit = self.by_to.get(self.first_in).map_or(LATER, |(to, _)| *to);
        while let Some((_, value)) = self.by_from.get(self.released).filter(|(from, _)| *from <= limit) {
            name(*value);
            self.released += 1;
        }
        limit
    }
}
