//! Faults planted into a history so that no order explains it any more.
//!
//! Not here: how the history came about (`generate`).

use super::generate::{Drawn, Mix, Op};
use bytes::Bytes;
use squall_checkers::history::Outcome;
use squall_checkers::model::kv::{Input, Output};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A read sees a value that was surely overwritten before it began.
    Stale,
    /// A write is acknowledged, and later reads see the value before it.
    Lost,
    /// Later reads see an append twice.
    Dup,
}

/// Plants a fault into the second half; `false` if there is no place for it.
pub fn plant(drawn: &mut Drawn, mix: Mix, fault: Fault) -> bool {
    let middle = drawn.operations.len() / 2;
    for key in 0..drawn.effects.len() {
        for at in 0..drawn.effects[key].len() {
            let operation = drawn.effects[key][at].0;
            if operation < middle || drawn.operations[operation].outcome == Outcome::Unknown {
                continue;
            }
            let planted = match fault {
                Fault::Stale => stale(drawn, mix, key, at),
                Fault::Lost => lost(drawn, key, at),
                Fault::Dup => dup(drawn, key, at),
            };
            if planted {
                return true;
            }
        }
    }
    false
}

fn is_write(op: &Op) -> bool {
    matches!(op.input, Input::Put { .. } | Input::Append { .. }) || op.outcome == Outcome::Ok(Output::Changed(true))
}

/// When it returned, for ever later if nobody knows.
fn returned(op: &Op) -> u64 {
    if op.outcome == Outcome::Unknown { u64::MAX } else { op.returned_at }
}

fn stale(drawn: &mut Drawn, mix: Mix, key: usize, at: usize) -> bool {
    let effects = &drawn.effects[key];
    let read = drawn.operations[effects[at].0].clone();
    if !matches!(read.input, Input::Get { .. }) {
        return false;
    }
    let from = at.saturating_sub(400);
    let before = || effects[from..at].iter().filter(|(op, _)| is_write(&drawn.operations[*op]));
    // The last of the writes that were surely over when the read began.
    let over = before().map(|(op, _)| &drawn.operations[*op]).filter(|op| returned(op) < read.invoked_at);
    let Some(latest) = over.map(|op| op.invoked_at).max() else { return false };
    let written = |op: &Op| match &op.input {
        Input::Put { value, .. } | Input::Cas { value, .. } => Some(value.clone()),
        _ => None,
    };
    let may_be_last = |op: &&Op| returned(op) >= latest && op.invoked_at < read.returned_at && same_key(op, &read);
    let mut possible: Vec<Option<Bytes>> = drawn.operations.iter().filter(may_be_last).map(written).collect();
    if mix != Mix::Small {
        possible.clear();
    }
    let near = &effects[from..(at + 400).min(effects.len())];
    possible.extend(near.iter().filter(|(op, _)| returned(&drawn.operations[*op]) >= latest).map(|(_, value)| value.clone()));
    let is_old = |op: &Op, value: &Option<Bytes>| returned(op) < latest && !possible.contains(value);
    let old = before().filter(|(op, value)| is_old(&drawn.operations[*op], value)).last();
    let Some((_, value)) = old.cloned() else { return false };
    drawn.operations[effects[at].0].outcome = Outcome::Ok(Output::Value(value));
    true
}

fn same_key(left: &Op, right: &Op) -> bool {
    let key = |op: &Op| match &op.input {
        Input::Get { key } | Input::Delete { key } => key.clone(),
        Input::Put { key, .. } | Input::Append { key, .. } | Input::Cas { key, .. } => key.clone(),
    };
    key(left) == key(right)
}

/// The reads of what this put or append left behind, if the next write is a put.
fn readers(drawn: &Drawn, key: usize, at: usize) -> Option<Vec<usize>> {
    let mut readers = Vec::new();
    for (operation, _) in &drawn.effects[key][at + 1..] {
        let op = &drawn.operations[*operation];
        match &op.input {
            Input::Put { .. } => break,
            Input::Get { .. } if op.outcome != Outcome::Unknown => readers.push(*operation),
            Input::Get { .. } => {}
            _ => return None,
        }
    }
    Some(readers)
}

fn lost(drawn: &mut Drawn, key: usize, at: usize) -> bool {
    let effects = &drawn.effects[key];
    let write = &drawn.operations[effects[at].0];
    if !matches!(write.input, Input::Put { .. } | Input::Append { .. }) {
        return false;
    }
    let before = effects[..at].iter().rev().find(|(op, _)| is_write(&drawn.operations[*op]));
    let Some((previous, value)) = before.cloned() else { return false };
    let Some(readers) = readers(drawn, key, at) else { return false };
    let begins_later = |reader: &usize| drawn.operations[*reader].invoked_at > write.returned_at;
    if returned(&drawn.operations[previous]) >= write.invoked_at || !readers.iter().any(begins_later) {
        return false;
    }
    for reader in readers {
        drawn.operations[reader].outcome = Outcome::Ok(Output::Value(value.clone()));
    }
    true
}

fn dup(drawn: &mut Drawn, key: usize, at: usize) -> bool {
    let Input::Append { value: piece, .. } = drawn.operations[drawn.effects[key][at].0].input.clone() else { return false };
    let Some(readers) = readers(drawn, key, at) else { return false };
    for reader in &readers {
        if let Outcome::Ok(Output::Value(Some(value))) = &mut drawn.operations[*reader].outcome {
            *value = [value.clone(), piece.clone()].concat().into();
        }
    }
    !readers.is_empty()
}
