//! Sets from which nothing is removed, with reads of the whole set.
//!
//! All that is asked is that one operation comes before another one: an add before what saw
//! the element, and after what did not. These demands never form a circle, so each operation
//! happens as soon as it was invoked and all that must come before it happened; there is an
//! order exactly if none of them returned by then.
//! Not here: which reads saw which elements first (`chain`).

use super::super::super::partition::Partition;
use super::chain::{Chain, UNSEEN};
use super::{Call, Calls, LATER, Window};
use crate::model::Model;
use crate::mutants::Bug;

/// What the operations on an element ask for.
#[derive(Debug, Clone, Copy)]
struct Element {
    /// Its add, if it was invoked.
    add: Option<(Window, u32)>,
    /// Somebody saw it by itself.
    is_present: bool,
    /// The last invocation of what did not see it.
    absent_from: u32,
    /// When it is added.
    added: u32,
}

/// By gap, rank and kind; of equal ones the order does not matter.
type Step = (u32, u32, Kind, u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Absent,
    Add,
    All,
    Present,
}

/// An order of what happened in the first `end` events; `None` if there is none.
pub(super) fn order<M: Model>(calls: &Calls, chain: &Chain, partition: &Partition<'_, M>, end: u32) -> Option<Vec<u32>> {
    if chain.breaks_after <= end {
        return None;
    }
    let mut steps: Vec<Step> = Vec::with_capacity(calls.calls.len());
    let mut elements = vec![Element { add: None, is_present: false, absent_from: 0, added: LATER }; calls.elements];
    for ((operation, op), call) in (0..).zip(&partition.ops).zip(&calls.calls) {
        let Some(window) = Window::new(op, end) else { continue };
        match *call {
            Call::Add(element) => elements[element as usize].add = Some((window, operation)),
            Call::Present(element) if window.is_certain() => elements[element as usize].is_present = true,
            Call::Absent(element) if window.is_certain() => {
                let element = &mut elements[element as usize];
                element.absent_from = element.absent_from.max(window.from);
                steps.push((window.from, 0, Kind::Absent, operation));
            }
            _ => {}
        }
    }
    add_and_read(&mut elements, chain, partition, end, &mut steps)?;
    for ((operation, op), call) in (0..).zip(&partition.ops).zip(&calls.calls) {
        let (Call::Present(element), Some(window)) = (*call, Window::new(op, end)) else { continue };
        if window.is_certain() {
            let gap = window.from.max(elements[element as usize].added);
            steps.push((within(window, gap)?, UNSEEN, Kind::Present, operation));
        }
    }
    steps.sort_unstable();
    Some(steps.into_iter().map(|(.., operation)| operation).collect())
}

/// Goes along the chain: what a read saw is added before it, all else after it.
fn add_and_read<M: Model>(
    elements: &mut [Element],
    chain: &Chain,
    partition: &Partition<'_, M>,
    end: u32,
    steps: &mut Vec<Step>,
) -> Option<()> {
    let seen = |(_, read): &&(u32, u32)| partition.ops[*read as usize].returned < end;
    let last_rank = chain.reads.iter().filter(seen).map(|(rank, _)| *rank).next_back();
    let mut reads = chain.reads.iter().filter(seen).peekable();
    let [mut last_add, mut last_read] = [0; 2];
    let mut read_up_to = |rank: u32, last_add: u32, last_read: &mut u32, steps: &mut Vec<Step>| {
        while let Some((rank, read)) = reads.next_if(|(of_read, _)| *of_read < rank) {
            let window = Window::new(&partition.ops[*read as usize], end)?;
            let gap = within(window, window.from.max(last_add))?;
            *last_read = gap.max(*last_read);
            steps.push((gap, *rank, Kind::All, *read));
        }
        Some(())
    };
    for (rank, element) in &chain.elements {
        read_up_to(*rank, last_add, &mut last_read, steps)?;
        let element = &mut elements[*element as usize];
        let is_read = last_rank.is_some_and(|last| *rank <= last);
        let is_needed = is_read || element.is_present || element.add.is_some_and(|(window, _)| window.is_certain());
        if !is_needed {
            continue;
        }
        let (window, operation) = element.add?;
        element.added = within(
            window,
            window.from.max(if Bug::AbsenceIsForgotten.is_planted() { 0 } else { element.absent_from }).max(last_read),
        )?;
        last_add = last_add.max(element.added);
        steps.push((element.added, *rank, Kind::Add, operation));
    }
    read_up_to(UNSEEN, last_add, &mut last_read, steps)
}

/// The gap, if it is not too late.
fn within(window: Window, gap: u32) -> Option<u32> {
    (gap <= window.to).then_some(gap)
}
