//! An order of the operations on a queue, from one of its values.
//!
//! A dequeue that found nothing needs a gap between events in which no value was surely there.
//! Such a gap cuts the history in two: every value can live on one side of it, as soon as it
//! can, and the order of the values stays right on either side.
//! Not here: the order of values (`peel`).

use super::lives::{Life, Lives, NONE};
use super::peel::peel;
use super::{LATER, Window};
use crate::mutants::Bug;

impl Lives {
    /// An order of the operations; `None` if there is none.
    pub(super) fn order(mut self) -> Option<Vec<u32>> {
        let mut values = peel(&mut self.lives, &self.unknown)?;
        let moments = moments(&self.lives, &self.empty)?;
        let slot = |life: &Life| moments.partition_point(|(gap, _)| *gap < life.taken.from);
        // A value lives between two moments at which there was nothing, as soon as it can.
        values.sort_by_key(|value| slot(&self.lives[*value as usize]));
        let mut steps = Vec::with_capacity(2 * values.len() + moments.len());
        let [mut put, mut taken] = [0; 2];
        for (rank, value) in values.iter().enumerate() {
            let life = &self.lives[*value as usize];
            let slot = slot(life);
            let begins = slot.checked_sub(1).map_or(0, |last| moments[last].0);
            put = put.max(life.put.from).max(begins);
            taken = taken.max(life.taken.from).max(put);
            steps.push((slot, put, 0, rank, life.enqueue));
            if life.dequeue != NONE && taken != LATER {
                steps.push((slot, taken, 1, rank, life.dequeue));
            }
        }
        steps.extend(moments.iter().enumerate().map(|(slot, (gap, operation))| (slot, *gap, 2, 0, *operation)));
        steps.sort_unstable();
        Some(steps.into_iter().map(|(.., operation)| operation).collect())
    }
}

/// For each dequeue that found nothing, the first gap in which that was possible.
fn moments(lives: &[Life], dequeues: &[(Window, u32)]) -> Option<Vec<(u32, u32)>> {
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
    let first = |(window, operation): &(Window, u32)| {
        let before = there.partition_point(|(from, _)| *from <= window.from);
        let within = before.checked_sub(1).filter(|_| !Bug::EmptyWithValuesInside.is_planted());
        let gap = within.map_or(window.from, |last| there[last].1.max(window.from));
        (gap <= window.to).then_some((gap, *operation))
    };
    let mut moments = dequeues.iter().map(first).collect::<Option<Vec<_>>>()?;
    moments.sort_unstable();
    Some(moments)
}
