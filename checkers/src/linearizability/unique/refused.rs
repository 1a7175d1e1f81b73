//! Puts compare-and-sets that failed into an order of all other operations.
//!
//! They change nothing, so each may stand wherever real time allows and the value is not the
//! expected one. In a given order the first such place is the best.
//! Not here: other orders of the others; the search knows them all.

use super::super::partition::{Event, Partition};
use super::calls::{Call, Calls, Node};
use crate::model::Model;

/// The order with them; `None` if one has no place in it.
pub(super) fn place<M: Model>(
    calls: &Calls,
    partition: &Partition<'_, M>,
    end: u32,
    order: &[(u32, Node)],
) -> Option<Vec<u32>> {
    let gaps = Gaps::new(calls, order);
    let mut placed: Vec<(usize, u32)> = Vec::new();
    let mut place_of = vec![0; calls.calls.len()];
    let (mut earliest, mut overtaken) = (0, 0);
    for event in &partition.events[..end as usize] {
        let (&(Event::Invoke(operation) | Event::Return(operation)), index) = (event, placed.len());
        let Call::Refused(unexpected) = calls.calls[operation as usize] else { continue };
        let span = calls.spans[operation as usize];
        if end < span.returned {
            continue;
        }
        if matches!(event, Event::Return(_)) {
            // What is invoked from now on comes later.
            overtaken = overtaken.max(place_of[operation as usize]);
            continue;
        }
        while gaps.first_return_after[earliest] < span.invoked {
            earliest += 1;
        }
        let mut gap = earliest.max(overtaken);
        while gaps.values[gap] == unexpected {
            gap += 1;
            if gap == gaps.values.len() {
                if std::env::var("LINDEBUG").is_ok() { eprintln!("END {operation} {span:?} unexpected {unexpected}"); }
                return None;
            }
        }
        if span.returned < gaps.last_invocation_before[gap] {
            if std::env::var("LINDEBUG").is_ok() { eprintln!("LATE {operation} {span:?} unexpected {unexpected} gap {gap} earliest {earliest} overtaken {overtaken}\n{}", order.iter().enumerate().skip(earliest.max(3)-3).take(12).map(|(i,(o, n))| format!("{i}: {:?} {:?} -> {n}\n", calls.calls[*o as usize], calls.spans[*o as usize])).collect::<String>()); }
            return None;
        }
        place_of[operation as usize] = gap;
        debug_assert_eq!(index, placed.len());
        placed.push((gap, operation));
    }
    Some(merge(order, placed))
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
