//! Sets: the operations by element, and the verdict.
//!
//! Not here: when there is an order, if nobody reads the whole set (`elements`), or if nothing
//! is removed (`chain`, `growing`). With both, this says nothing.
//! Read next: `elements`, `chain`.

mod chain;
mod elements;
mod growing;

use super::super::partition::{Partition, position};
use super::numbers::Numbers;
use super::{LATER, Window};
use crate::model::{Membership, Model};
use crate::mutants::Bug;

/// What an operation does, by the number of the element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// The element is new.
    Add(u32),
    /// The element is gone, whether or not it was there.
    Remove(u32),
    /// The element was there, and is gone.
    TakeOut(u32),
    /// The element was there.
    Present(u32),
    /// It was not.
    Absent(u32),
    /// All elements were these: a place in [`Calls::reads`].
    All(u32),
}

struct Calls {
    /// By operation.
    calls: Vec<Call>,
    elements: usize,
    /// The elements that each read of the whole set saw, in ascending order.
    reads: Vec<Vec<u32>>,
}

impl Calls {
    /// `None` if more than one operation may have added an element, or something else was done.
    fn new<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Self> {
        let mut numbers = Numbers::default();
        let mut is_added = Vec::new();
        let mut calls = Vec::with_capacity(partition.ops.len());
        let mut reads = Vec::new();
        for op in &partition.ops {
            let call = match model.membership(op.call())? {
                Membership::Add { element, changed: None | Some(true) } => Call::Add(numbers.number(element)),
                Membership::Remove { element, changed: None } => Call::Remove(numbers.number(element)),
                Membership::Remove { element, changed: Some(true) } => Call::TakeOut(numbers.number(element)),
                Membership::Add { element, changed: Some(false) } | Membership::Contains { element, answer: true } => {
                    Call::Present(numbers.number(element))
                }
                Membership::Remove { element, changed: Some(false) } | Membership::Contains { element, answer: false } => {
                    Call::Absent(numbers.number(element))
                }
                Membership::All(elements) => {
                    let mut seen: Vec<u32> = elements.into_iter().map(|element| numbers.number(element)).collect();
                    seen.sort_unstable();
                    reads.push(seen);
                    Call::All(position(reads.len() - 1))
                }
            };
            is_added.resize(numbers.len(), false);
            if let Call::Add(element) = call
                && std::mem::replace(&mut is_added[element as usize], true)
            {
                return None;
            }
            calls.push(call);
        }
        Some(Self { calls, elements: numbers.len(), reads })
    }

    fn has_removals(&self) -> bool {
        self.calls.iter().any(|call| matches!(call, Call::Remove(_) | Call::TakeOut(_)))
    }
}

pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Result<Vec<u32>, u32>> {
    let calls = Calls::new(model, partition)?;
    if calls.reads.is_empty() {
        let by_element = elements::ByElement::new(&calls);
        return decide(partition, |end| by_element.order(&calls, partition, end));
    }
    if calls.has_removals() && !Bug::RemovalsWithReads.is_planted() {
        return None;
    }
    let chain = chain::Chain::new(&calls, partition);
    decide(partition, |end| growing::order(&calls, &chain, partition, end))
}

/// The verdict, from orders of what happened in the first so many events.
fn decide<M: Model>(partition: &Partition<'_, M>, order: impl Fn(u32) -> Option<Vec<u32>>) -> Option<Result<Vec<u32>, u32>> {
    match order(u32::try_from(partition.events.len()).ok()?) {
        Some(order) => Some(Ok(order)),
        None => Some(Err(partition.first_death(|end| order(end).is_some())?.1)),
    }
}
