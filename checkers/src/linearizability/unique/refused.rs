//! Puts compare-and-sets that failed into an order of all other operations.
//!
//! They change nothing, so each may stand wherever real time allows and the value is not the
//! expected one. In a given order the first such place is the best. If there is none, a block
//! that is free to move may make one.
//! Not here: all other orders of the others; the search knows them.

use super::super::partition::{Event, Partition};
use super::blocks::Blocks;
use super::calls::{Call, Calls, Node};
use crate::model::Model;
use crate::mutants::Bug;

/// How often blocks are moved before the search is left to decide.
const ROUNDS: usize = 16;

/// An order of what happened in the first `end` events; `None` if this way none was found.
pub(super) fn order<M: Model>(calls: &Calls, partition: &Partition<'_, M>, end: u32, mut blocks: Blocks) -> Option<Vec<u32>> {
    for _ in 0..ROUNDS {
        match place(calls, partition, end, &blocks.order(calls)) {
            Ok(order) => return Some(order),
            Err(homeless) => blocks.make_way(calls, end, &homeless)?,
        }
    }
    None
}

/// The order with them; an error are those that have no place in it.
fn place<M: Model>(calls: &Calls, partition: &Partition<'_, M>, end: u32, order: &[(u32, Node)]) -> Result<Vec<u32>, Vec<u32>> {
    let gaps = Gaps::new(calls, order);
    let mut placed: Vec<(usize, u32)> = Vec::new();
    let mut homeless = Vec::new();
    let mut place_of = vec![0; calls.calls.len()];
    let (mut earliest, mut overtaken) = (0, 0);
    for event in &partition.events[..end as usize] {
        let &(Event::Invoke(operation) | Event::Return(operation)) = event;
        let Call::Refused(unexpected) = calls.calls[operation as usize] else { continue };
        let span = calls.spans[operation as usize];
        if end < span.returned {
            continue;
        }
        if matches!(event, Event::Return(_)) {
            // What is invoked from now on comes later.
            overtaken = if Bug::RefusedOvertake.is_planted() { 0 } else { overtaken.max(place_of[operation as usize]) };
            continue;
        }
        while gaps.first_return_after[earliest] < span.invoked {
            earliest += 1;
        }
        let fits = |gap: &usize| gaps.values[*gap] != unexpected;
        let gap = (earliest.max(overtaken)..gaps.values.len()).find(fits);
        let Some(gap) = gap.filter(|gap| gaps.last_invocation_before[*gap] <= span.returned || Bug::RefusedTooLate.is_planted())
        else {
            homeless.push(operation);
            continue;
        };
        place_of[operation as usize] = gap;
        placed.push((gap, operation));
    }
    if homeless.is_empty() { Ok(merge(order, placed)) } else { Err(homeless) }
}

/// The places between operations; one more than there are operations.
struct Gaps {
    values: Vec<Node>,
    last_invocation_before: Vec<u32>,
    first_return_after: Vec<u32>,
}

impl Gaps {
    fn new(calls: &Calls, order: &[(u32, Node)]) -> Self {
        let mut values = vec![calls.initial];
        let mut last_invocation_before = vec![0];
        let mut last = 0;
        for (operation, value) in order {
            values.push(*value);
            last = calls.spans[*operation as usize].invoked.max(last);
            last_invocation_before.push(last);
        }
        let mut first_return_after = vec![u32::MAX; order.len() + 1];
        for (gap, (operation, _)) in order.iter().enumerate().rev() {
            first_return_after[gap] = calls.spans[*operation as usize].returned.min(first_return_after[gap + 1]);
        }
        Self { values, last_invocation_before, first_return_after }
    }
}

fn merge(order: &[(u32, Node)], mut placed: Vec<(usize, u32)>) -> Vec<u32> {
    // Stable: those in one gap stay in the order of their invocations.
    placed.sort_by_key(|(gap, _)| *gap);
    let mut merged = Vec::with_capacity(order.len() + placed.len());
    let mut placed = placed.into_iter().peekable();
    for (gap, (operation, _)) in order.iter().enumerate() {
        while let Some((_, refused)) = placed.next_if(|(at, _)| *at <= gap) {
            merged.push(refused);
        }
        merged.push(*operation);
    }
    merged.extend(placed.map(|(_, refused)| refused));
    merged
}
