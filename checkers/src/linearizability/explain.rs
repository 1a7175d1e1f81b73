//! Says why a history is not linearizable, so that a person can follow it.
//!
//! Not here: the decision (`search`).

use super::limits::{Limits, Meter};
use super::partition::{Event, NEVER, Op, Partition};
use super::search::{Frontier, pending};
use super::states::Rules;
use super::steps::Steps;
use super::{Illegal, by_key};
use crate::history::History;
use crate::model::Model;

/// The widest sets there are: what is explained was judged, so it fits.
const WORDS: usize = super::PENDING_MAX / 64;

/// How many pending operations, states, and operations before each state are described.
const PENDING_SHOWN: usize = 8;
const STATES_SHOWN: usize = 4;
const TAIL_SHOWN: usize = 3;

/// The evidence for people, over several lines.
///
/// It walks to the point of death once more, within `limits`; beyond them it names the
/// operation only.
pub fn explain<M: Model>(
    model: &M,
    history: &History<M::Input, M::Output>,
    illegal: &Illegal<M::Key>,
    limits: Limits<'_>,
) -> String {
    let places = by_key(model, history).remove(&illegal.key).unwrap_or_default();
    let partition = Partition::new(model, history.operations(), &places);
    let Some(culprit) = partition.ops.iter().position(|op| op.operation.id == illegal.operation) else {
        return format!("operation {} is not part of this history", illegal.operation);
    };
    let mut lines = vec![format!(
        "key {}: no place for {}, of {} answered operations until then",
        model.describe_key(&illegal.key),
        describe(model, &partition.ops[culprit]),
        illegal.prefix.len(),
    )];
    lines.extend(situation(model, &partition, culprit, limits));
    lines.join("\n")
}

/// What the object may have been when the operation could not return, and what was pending.
fn situation<M: Model>(model: &M, partition: &Partition<'_, M>, culprit: usize, limits: Limits<'_>) -> Vec<String> {
    let horizon = partition.horizon(model);
    let rules = Rules { model, horizon: Some(&horizon) };
    let numbers = partition.numbers();
    let pending = |index: u32| pending(rules, partition, &numbers, index);
    let mut frontier = Frontier::<_, _, WORDS>::new(rules, partition.ops.len(), Some(Steps::new()));
    let mut meter = Meter::new(limits);
    let died_at = partition.ops[culprit].returned as usize;
    for (at, event) in partition.events[..died_at].iter().enumerate() {
        match *event {
            Event::Invoke(index) => {
                frontier.invoke(rules, pending(index), partition.ops[index as usize].returned == NEVER);
            }
            Event::Return(index) => {
                if frontier.give_back(rules, index, &mut meter) != Ok(true) {
                    return vec![format!("  (not followed beyond event {at})")];
                }
            }
        }
    }
    let mut lines = Vec::new();
    let steps = frontier.steps.as_ref().expect("it was asked for");
    for config in frontier.configs.iter().take(STATES_SHOWN) {
        let order = steps.order::<_, WORDS>(config.step, partition, died_at, rules, pending);
        let tail = order.iter().skip(order.len().saturating_sub(TAIL_SHOWN));
        let tail: Vec<_> = tail.map(|index| describe(model, &partition.ops[*index as usize])).collect();
        let after = if tail.is_empty() { "initially".to_owned() } else { format!("after {}", tail.join("; ")) };
        lines.push(format!("  the value may be {}, {after}", model.describe_state(frontier.states.get(config.state))));
    }
    let others = frontier.slots.iter().map(|pending| pending.index as usize).filter(|index| *index != culprit);
    lines.extend(helpless(model, partition, others));
    lines
}

fn helpless<M: Model>(model: &M, partition: &Partition<'_, M>, pending: impl Iterator<Item = usize>) -> Vec<String> {
    let pending: Vec<usize> = pending.collect();
    let shown = pending.iter().take(PENDING_SHOWN);
    let mut lines: Vec<_> =
        shown.map(|index| format!("  pending, and of no help: {}", describe(model, &partition.ops[*index]))).collect();
    if PENDING_SHOWN < pending.len() {
        lines.push(format!("  pending, and of no help: {} more", pending.len() - PENDING_SHOWN));
    }
    lines
}

fn describe<M: Model>(model: &M, op: &Op<'_, M>) -> String {
    let operation = op.operation;
    let returned = if op.returned == NEVER { String::new() } else { operation.returned_at.to_string() };
    let call = model.describe(&operation.input, operation.outcome.output());
    format!("operation {} of client {} ({call}, {}..{returned})", operation.id, operation.client, operation.invoked_at)
}
