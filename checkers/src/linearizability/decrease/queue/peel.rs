//! The order of values in a queue: one after the other is taken out that may go first.
//!
//! A value may go first if no other one was surely enqueued before it, nor surely dequeued
//! before it. Nothing is lost by taking any such value: the others have an order with it
//! exactly if they have one without it. (Both relations are interval orders, so a circle of
//! values that wait for each other always contains two that do.)
//! Not here: values by themselves (`lives`).

use super::LATER;
use super::Window;
use super::lives::{Life, Lives, NONE};

impl Lives {
    /// An order of the operations; `None` if there is none.
    pub(super) fn order(self) -> Option<Vec<u32>> {
        let mut values = peel(&self.lives)?;
        let slot = |life: &Life| self.moments.partition_point(|(gap, _)| *gap < life.taken.from);
        // A value lives between two moments at which there was nothing, as soon as it can.
        values.sort_by_key(|value| slot(&self.lives[*value as usize]));
        let mut steps = Vec::with_capacity(2 * values.len() + self.moments.len());
        let [mut put, mut taken] = [0; 2];
        for (rank, value) in values.iter().enumerate() {
            let life = &self.lives[*value as usize];
            let slot = slot(life);
            let begins = slot.checked_sub(1).map_or(0, |last| self.moments[last].0);
            put = put.max(life.put.from).max(begins);
            taken = taken.max(life.taken.from).max(put);
            steps.push((slot, put, 0, rank, life.enqueue));
            if life.dequeue != NONE && taken != LATER {
                steps.push((slot, taken, 1, rank, life.dequeue));
            }
        }
        let moments = self.moments.iter().enumerate();
        steps.extend(moments.map(|(slot, (gap, operation))| (slot, *gap, 2, 0, *operation)));
        steps.sort_unstable();
        Some(steps.into_iter().map(|(.., operation)| operation).collect())
    }
}

/// Takes out one value after the other; `None` if there are some of which none may go first.
fn peel(lives: &[Life]) -> Option<Vec<u32>> {
    let mut sides = [Side::new(lives, |life| life.put), Side::new(lives, |life| life.taken)];
    let mut is_out = vec![false; lives.len()];
    // On how many sides it has to wait.
    let mut waits = vec![2_u8; lives.len()];
    let mut free = Vec::new();
    let mut order = Vec::with_capacity(lives.len());
    while order.len() < lives.len() {
        for side in &mut sides {
            side.release(&is_out, |value| {
                waits[value as usize] -= 1;
                if waits[value as usize] == 0 {
                    free.push(value);
                }
            });
        }
        let value = free.pop()?;
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
    fn new(lives: &[Life], window: impl Fn(&Life) -> Window) -> Self {
        let sorted = |gap: &dyn Fn(Window) -> u32| {
            let mut sorted: Vec<(u32, u32)> = (0..).zip(lives).map(|(value, life)| (gap(window(life)), value)).collect();
            sorted.sort_unstable();
            sorted
        };
        Self { by_from: sorted(&|window| window.from), by_to: sorted(&|window| window.to), released: 0, first_in: 0 }
    }

    /// Names the values that no longer wait for another one on this side.
    fn release(&mut self, is_out: &[bool], mut name: impl FnMut(u32)) {
        while self.by_to.get(self.first_in).is_some_and(|(_, value)| is_out[*value as usize]) {
            self.first_in += 1;
        }
        let limit = self.by_to.get(self.first_in).map_or(LATER, |(to, _)| *to);
        while let Some((_, value)) = self.by_from.get(self.released).filter(|(from, _)| *from <= limit) {
            name(*value);
            self.released += 1;
        }
    }
}
