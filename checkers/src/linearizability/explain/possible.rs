//! Can these operations be ordered, if those others may be left out?
//!
//! The one question that all explanations are made of. An operation that may be left out is one
//! that configuration sets know already: free while it is pending. Beyond its return it is gone.
//!
//! Not here: which questions are asked (`core`, `sources`).

use super::super::limits::{Halt, Limits, Meter};
use super::super::partition::{Event, NEVER, Partition, position};
use super::super::search::{Frontier, pending};
use super::super::states::Rules;
use super::super::steps::Cut;
use super::OperationOf;
use crate::history::Outcome;
use crate::model::{Access, Call, Model, Value};
use std::collections::BTreeSet;

/// The history of one key up to the return that could not be.
pub(super) struct Prefix<'a, M: Model> {
    pub model: &'a M,
    /// What was invoked until then, by invocation.
    pub operations: Vec<OperationOf<M>>,
    /// Which of them died.
    pub culprit: usize,
    /// Which had returned by then. What is answered later may have had its effect, with that answer.
    returned: Vec<bool>,
    reads: Vec<bool>,
}

/// An operation's part in a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It must be in the order, with its answer and in its time.
    Certain,
    /// It may be.
    Optional,
    /// It must not be.
    Absent,
}

impl<'a, M: Model> Prefix<'a, M> {
    pub(super) fn new(model: &'a M, partition: &Partition<'_, M>, culprit: u64) -> Self {
        let culprit = partition.ops.iter().find(|op| op.operation.id == culprit);
        let died = culprit.expect("the evidence is about this history").returned;
        let invoked = partition.events[..died as usize].iter().filter_map(|event| match event {
            Event::Invoke(index) => Some(&partition.ops[*index as usize]),
            Event::Return(_) => None,
        });
        let (mut operations, mut returned, mut reads, mut culprit) = (vec![], vec![], vec![], 0);
        for (place, op) in invoked.enumerate() {
            operations.push(op.operation.clone());
            returned.push(op.returned <= died);
            reads.push(op.read_only);
            if op.returned == died {
                culprit = place;
            }
        }
        Self { model, operations, culprit, returned, reads }
    }

    /// Places of those that were answered until then.
    pub(super) fn answered(&self) -> impl Iterator<Item = usize> {
        (0..self.operations.len()).filter(|place| self.returned[*place])
    }

    /// The operations as they are known just before the death: what had not returned is unknown.
    pub(super) fn just_before(&self) -> Vec<OperationOf<M>> {
        let mut operations = self.operations.clone();
        for (place, operation) in operations.iter_mut().enumerate() {
            if place == self.culprit || !self.returned[place] {
                operation.outcome = Outcome::Unknown;
            }
        }
        operations
    }

    /// Ids of what was pending at the death, besides the one that died.
    pub(super) fn pending(&self) -> Vec<u64> {
        let pending = self.operations.iter().zip(&self.returned).filter(|(_, returned)| !**returned);
        pending.map(|(operation, _)| operation.id).collect()
    }

    pub(super) fn call(&self, place: usize) -> Call<'_, M::Input, M::Output> {
        super::super::partition::call(&self.operations[place])
    }

    /// Whether there is an order; `None` if a limit was hit. `spent` grows by what it took.
    pub(super) fn is_possible(&self, parts: &[Part], limits: Limits<'_>, spent: &mut u64) -> Option<bool> {
        assert_eq!(parts.len(), self.operations.len(), "each operation has its part");
        let parts = self.without_the_useless(parts);
        let places: Vec<u32> = (0..position(parts.len())).filter(|place| parts[*place as usize] != Part::Absent).collect();
        let partition = Partition::new(self.model, &self.operations, &places);
        let kept = places
            .iter()
            .filter(|place| !(self.reads[**place as usize] && self.operations[**place as usize].outcome == Outcome::Unknown));
        let certain: Vec<bool> = kept.map(|place| parts[*place as usize] == Part::Certain).collect();
        let mut meter = Meter::new(limits);
        let found = match partition.pending_max() {
            0..=64 => walk::<M, 1>(self.model, &partition, &certain, &mut meter),
            65..=256 => walk::<M, 4>(self.model, &partition, &certain, &mut meter),
            257..=super::super::PENDING_MAX => {
                walk::<M, { super::super::PENDING_MAX / 64 }>(self.model, &partition, &certain, &mut meter)
            }
            _ => return None,
        };
        *spent += meter.spent() + partition.events.len() as u64 / EVENTS_PER_CONFIGURATION;
        found.ok()
    }

    /// Leaves out what may be left out and is of no use: reads, which only ask for more; and, if
    /// the object holds one value and nobody minds what it is not, writes of values that nobody sees.
    fn without_the_useless(&self, parts: &[Part]) -> Vec<Part> {
        let mut parts = parts.to_vec();
        for (part, is_read) in parts.iter_mut().zip(&self.reads) {
            if *part == Part::Optional && *is_read {
                *part = Part::Absent;
            }
        }
        if let Some(seen) = self.seen_values(&parts) {
            for (place, part) in parts.iter_mut().enumerate().filter(|(_, part)| **part == Part::Optional) {
                let written = self.model.access(self.call(place)).and_then(|access| written(&access));
                if written.is_some_and(|value| !seen.contains(&key(value))) {
                    *part = Part::Absent;
                }
            }
        }
        parts
    }

    /// The values that matter, if that is all that matters.
    fn seen_values(&self, parts: &[Part]) -> Option<BTreeSet<Seen<'_>>> {
        let mut seen = BTreeSet::new();
        let mut swaps = Vec::new();
        for (place, part) in parts.iter().enumerate().filter(|(_, part)| **part != Part::Absent) {
            match (self.model.access(self.call(place))?, part) {
                (Access::Append(_) | Access::Swap { done: Some(false), .. }, _) => return None,
                (Access::Write(_), _) => {}
                (Access::Read(value) | Access::Swap { expected: value, .. }, Part::Certain) => {
                    seen.insert(key(value));
                }
                (Access::Swap { expected, new, .. }, _) => swaps.push((key(expected), key(new))),
                (Access::Read(_), _) => {}
            }
        }
        loop {
            let before = seen.len();
            swaps.retain(|(expected, new)| {
                let matters = seen.contains(new);
                if matters {
                    seen.insert(*expected);
                }
                !matters
            });
            if before == seen.len() {
                return Some(seen);
            }
        }
    }
}

/// So many events cost about as much as one configuration.
const EVENTS_PER_CONFIGURATION: u64 = 32;

/// A value that can be kept in order.
type Seen<'a> = (u8, i64, &'a [u8]);

fn key(value: Value<'_>) -> Seen<'_> {
    match value {
        Value::Absent => (0, 0, &[]),
        Value::Number(number) => (1, number, &[]),
        Value::Bytes(bytes) => (2, 0, bytes),
    }
}

fn written<'a>(access: &Access<'a>) -> Option<Value<'a>> {
    match access {
        Access::Write(value) | Access::Swap { new: value, .. } => Some(*value),
        Access::Read(_) | Access::Append(_) => None,
    }
}

/// Goes through the events with all configurations.
fn walk<M: Model, const W: usize>(
    model: &M,
    partition: &Partition<'_, M>,
    certain: &[bool],
    meter: &mut Meter<'_>,
) -> Result<bool, Halt> {
    assert_eq!(certain.len(), partition.ops.len(), "both left out the same operations");
    meter.look(0).map_err(Halt::Limit)?;
    let horizon = partition.horizon(model);
    let rules = Rules { model, horizon: Some(&horizon) };
    let numbers = partition.numbers();
    let mut frontier = Frontier::<_, _, W>::new(rules, partition.ops.len(), None, &Cut::start(rules.model.init()));
    for event in &partition.events {
        match *event {
            Event::Invoke(index) => {
                let is_free = !certain[index as usize] || partition.ops[index as usize].returned == NEVER;
                frontier.invoke(rules, pending(rules, partition, &numbers, index), is_free);
            }
            Event::Return(index) => {
                if !frontier.give_back(rules, index, meter)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}
