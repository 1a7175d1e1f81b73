//! Says why a history is not linearizable, so that a person can follow it.
//!
//! Not here: the decision (`search`).

use super::Illegal;
use super::partition::{Event, Op, Partition};
use super::search::Death;
use crate::model::Model;

/// How many pending operations are described; the others are counted.
const PENDING_SHOWN: usize = 8;

/// The verdict on an object whose search died.
pub(super) fn illegal<M: Model>(
    model: &M,
    key: &M::Key,
    partition: &Partition<'_, M>,
    death: &Death<M::State>,
) -> Illegal<M::Key> {
    let culprit = &partition.ops[death.operation];
    let prefix = prefix(partition, death.operation);
    let mut lines = vec![format!(
        "key {}: no place for {}, of {} answered operations until then",
        model.describe_key(key),
        describe(model, culprit),
        prefix.len(),
    )];
    for (state, tail) in &death.states {
        let tail: Vec<_> = tail.iter().map(|index| describe(model, &partition.ops[*index])).collect();
        let after = if tail.is_empty() { "initially".to_owned() } else { format!("after {}", tail.join("; ")) };
        lines.push(format!("  the value may be {}, {after}", model.describe_state(state)));
    }
    lines.extend(pending(model, partition, &death.pending));
    Illegal { key: key.clone(), operation: culprit.id, prefix, explanation: lines.join("\n") }
}

/// Ids of what returned up to and with an operation.
fn prefix<M: Model>(partition: &Partition<'_, M>, last: usize) -> Vec<u64> {
    let end = partition.events.iter().position(|event| *event == Event::Return(last));
    let events = &partition.events[..end.map_or(0, |end| end + 1)];
    let returned = events.iter().filter_map(|event| match event {
        Event::Return(index) => Some(partition.ops[*index].id),
        Event::Invoke(_) => None,
    });
    returned.collect()
}

fn pending<M: Model>(model: &M, partition: &Partition<'_, M>, pending: &[usize]) -> Vec<String> {
    let shown = pending.iter().take(PENDING_SHOWN);
    let mut lines: Vec<_> =
        shown.map(|index| format!("  pending, and of no help: {}", describe(model, &partition.ops[*index]))).collect();
    if PENDING_SHOWN < pending.len() {
        lines.push(format!("  pending, and of no help: {} more", pending.len() - PENDING_SHOWN));
    }
    lines
}

fn describe<M: Model>(model: &M, op: &Op<'_, M>) -> String {
    let returned = op.returned_at.map_or_else(String::new, |returned_at| returned_at.to_string());
    let call = model.describe(op.call.input, op.call.output);
    format!("operation {} of client {} ({call}, {}..{returned})", op.id, op.client, op.invoked_at)
}
