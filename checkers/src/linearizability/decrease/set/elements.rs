//! Sets that nobody reads as a whole: each element by itself.
//!
//! An element that is added once is absent, then present, and absent again once it was
//! removed. It must be present from the first return of what saw it to the last invocation
//! of that, and the shorter it is present the better for what did not see it. So the add
//! happens as late as it can, the removal as early as it can, and all others fit around them
//! or there is no order.
//! Not here: reads of the whole set (`growing`).

use super::super::super::partition::Partition;
use super::{Call, Calls, LATER, Window};
use crate::model::Model;
use crate::mutants::Bug;

/// The operations on each element.
pub(super) struct ByElement(Vec<Vec<u32>>);

/// When an operation happens, relative to others on the same element in the same gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Before,
    Add,
    Present,
    Remove,
    After,
}

/// In which gap, in which phase, which operation.
type Step = (u32, Phase, u32);

impl ByElement {
    pub(super) fn new(calls: &Calls) -> Self {
        let mut by_element = vec![Vec::new(); calls.elements];
        for (operation, call) in (0..).zip(&calls.calls) {
            match *call {
                Call::Add(element)
                | Call::Remove(element)
                | Call::TakeOut(element)
                | Call::Present(element)
                | Call::Absent(element) => by_element[element as usize].push(operation),
                Call::All(_) => {}
            }
        }
        Self(by_element)
    }

    /// An order of what happened in the first `end` events; `None` if there is none.
    pub(super) fn order<M: Model>(&self, calls: &Calls, partition: &Partition<'_, M>, end: u32) -> Option<Vec<u32>> {
        let mut steps: Vec<Step> = Vec::with_capacity(calls.calls.len());
        let mut here = Vec::new();
        for operations in &self.0 {
            here.clear();
            let windows = operations.iter().map(|place| (*place, Window::new(&partition.ops[*place as usize], end)));
            here.extend(windows.filter_map(|(place, window)| Some((calls.calls[place as usize], window?, place))));
            Stay::new(&here)?.arrange(&here, &mut steps)?;
        }
        steps.sort_unstable();
        Some(steps.into_iter().map(|(.., operation)| operation).collect())
    }
}

/// From when to when an element is there.
#[derive(Debug, Clone, Copy)]
struct Stay {
    begins: u32,
    ends: u32,
    /// The operation that removes it, if one does.
    remove: Option<u32>,
}

/// An element that is never there.
const NEVER_THERE: Stay = Stay { begins: LATER, ends: LATER, remove: None };

impl Stay {
    /// `None` if it cannot be there when it was seen.
    fn new(operations: &[(Call, Window, u32)]) -> Option<Self> {
        let (mut add, mut taken_out) = (None, None);
        let (mut first_return, mut last_invocation, mut was_seen) = (LATER, 0, false);
        for (call, window, operation) in operations {
            match call {
                Call::Add(_) => add = Some(*window),
                Call::Present(_) if window.is_certain() => {
                    first_return = first_return.min(window.to);
                    last_invocation = last_invocation.max(window.from);
                    was_seen = true;
                }
                Call::TakeOut(_) if window.is_certain() && taken_out.is_some() && !Bug::TakenOutTwice.is_planted() => {
                    return None;
                }
                Call::TakeOut(_) if window.is_certain() => taken_out = Some((*window, *operation)),
                _ => {}
            }
        }
        if !(was_seen || taken_out.is_some() || add.is_some_and(Window::is_certain)) {
            return Some(NEVER_THERE);
        }
        let add = add?;
        let latest_begin = first_return.min(add.to);
        let earliest_end = last_invocation.max(add.from);
        let candidates = operations
            .iter()
            .filter(|(call, window, _)| matches!(call, Call::Remove(_) | Call::TakeOut(_)) && earliest_end <= window.to);
        let remove =
            taken_out.or_else(|| candidates.map(|(_, window, place)| (*window, *place)).min_by_key(|(window, _)| window.from));
        let ends = remove.map_or(LATER, |(window, _)| earliest_end.max(window.from));
        if latest_begin < add.from && !Bug::SeenBeforeItsAdd.is_planted() {
            return None;
        }
        // If nobody needs it to last, it comes and goes at one moment.
        Some(Self { begins: latest_begin.min(ends), ends, remove: remove.map(|(_, operation)| operation) })
    }

    /// Puts the operations around it; `None` if one has no place.
    fn arrange(&self, operations: &[(Call, Window, u32)], steps: &mut Vec<Step>) -> Option<()> {
        let is_there = self.begins != LATER;
        for (call, window, operation) in operations {
            let (gap, phase) = match call {
                Call::Add(_) if is_there => (self.begins, Phase::Add),
                Call::Remove(_) | Call::TakeOut(_) if self.remove == Some(*operation) => (self.ends, Phase::Remove),
                _ if !window.is_certain() => continue,
                Call::Present(_) => (window.from.max(self.begins), Phase::Present),
                _ if window.from <= self.begins => (window.from, Phase::Before),
                _ => (window.from.max(self.ends), Phase::After),
            };
            if window.to < gap {
                return None;
            }
            steps.push((gap, phase, *operation));
        }
        Some(())
    }
}
