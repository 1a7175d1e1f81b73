//! From invocations and returns to operations, for formats that have a line for each.
//!
//! The place of an event among all others is its time: that order is what such a history
//! records. Ids count invocations. Not here: how events are written (`edn`, `jepsen_log`).

use super::error::{Misplaced, Place, Wrong};
use super::spelling::{Asked, Named, Shape, Spelling, named};
use super::value::Value;
use super::{Recorded, RecordedOf};
use crate::history::{Operation, Outcome};
use crate::model::Model;
use bytes::Bytes;
use std::collections::BTreeMap;

/// How an operation returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returned {
    /// `:ok`.
    Ok,
    /// `:fail`: it surely did not happen.
    Fail,
    /// `:info`: nobody knows.
    Info,
}

/// An event, as far as both formats have it in common.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub process: u64,
    pub f: &'a str,
    /// Under `:key`, where there is one.
    pub key: Option<&'a Value>,
    pub value: &'a Value,
    pub place: Place,
}

/// An operation that has not returned.
struct Open {
    /// Its place in the list.
    position: usize,
    named: Named,
    /// What it was invoked with, without the key.
    value: Value,
    /// The key, if it stands in the value, as `[key value]`.
    tuple: Option<Value>,
    invoked: Place,
}

/// The operations so far.
pub(super) struct Events<'m, M: Model> {
    model: &'m M,
    operations: Vec<Operation<M::Input, M::Output>>,
    lines: Vec<usize>,
    open: BTreeMap<u64, Open>,
    now: u64,
    pub skipped: usize,
}

impl<'m, M: Spelling> Events<'m, M> {
    pub fn new(model: &'m M) -> Self {
        Self { model, operations: Vec::new(), lines: Vec::new(), open: BTreeMap::new(), now: 0, skipped: 0 }
    }

    /// A process begins an operation.
    pub fn invoke(&mut self, event: &Event<'_>) -> Result<(), Misplaced> {
        let Event { process, place, .. } = *event;
        if let Some(open) = self.open.get(&process) {
            let wrong = Wrong::new(
                format!("a second invocation of process {process}"),
                format!("the return of its `{}` of line {} first", open.named.name, open.invoked.line),
            );
            return Err(wrong.at(place));
        }
        let (open, input) = self.opened(event).map_err(|wrong| wrong.at(place))?;
        self.now += 1;
        self.operations.push(Operation {
            id: open.position as u64,
            client: process,
            input,
            outcome: Outcome::Unknown,
            invoked_at: self.now,
            returned_at: self.now,
        });
        self.lines.push(place.line);
        self.open.insert(process, open);
        Ok(())
    }

    fn opened(&self, event: &Event<'_>) -> Result<(Open, M::Input), Wrong> {
        let named = named::<M>(event.f)?;
        let (tuple, value) = match (event.key, event.value) {
            (None, Value::List(pair)) if is_tuple(named.shape, pair) => (Some(pair[0].clone()), pair[1].clone()),
            (_, value) => (None, value.clone()),
        };
        let key = tuple.as_ref().or(event.key).map(key_bytes).transpose()?;
        let empty_is_absent = |value: Value| absent::<M>(value);
        let asked = match (named.shape, &value) {
            // What a read will see may be filled in already, and is told when it returns.
            (Shape::Read | Shape::ReadAll, _) => Asked { key, ..Asked::new(named.name) },
            (Shape::Write, value) => Asked { key, a: empty_is_absent(value.clone()), ..Asked::new(named.name) },
            (Shape::Cas, Value::List(pair)) if pair.len() == 2 => {
                let [a, b] = [&pair[0], &pair[1]].map(|value| empty_is_absent(value.clone()));
                Asked { f: named.name, key, a, b }
            }
            (Shape::Cas, value) => return Err(Wrong::value(value, "`[expected new]`")),
        };
        let input = self.model.input(&asked)?;
        Ok((Open { position: self.operations.len(), named, value, tuple, invoked: event.place }, input))
    }

    /// A process ends its operation.
    pub fn ret(&mut self, returned: Returned, event: &Event<'_>) -> Result<(), Misplaced> {
        self.close(returned, event).map_err(|wrong| wrong.at(event.place))
    }

    /// As [`Self::ret`] of one that was answered "no, it is something else".
    pub fn ret_unmatched(&mut self, event: &Event<'_>) -> Result<(), Misplaced> {
        let close = |events: &mut Self| {
            let open = events.take(event)?;
            open.repeats(event)?;
            let output = events.model.output(&events.operations[open.position].input, Some(&Value::Bool(false)))?;
            events.settle(open.position, Outcome::Ok(output));
            Ok(())
        };
        close(self).map_err(|wrong: Wrong| wrong.at(event.place))
    }

    /// Whether this event repeats the compare-and-set that its process has open.
    pub fn repeats_cas(&self, event: &Event<'_>) -> bool {
        let open = self.open.get(&event.process);
        open.is_some_and(|open| open.named.shape == Shape::Cas && *event.value != Value::Null && open.repeats(event).is_ok())
    }

    fn close(&mut self, returned: Returned, event: &Event<'_>) -> Result<(), Wrong> {
        let open = self.take(event)?;
        let outcome = match returned {
            Returned::Fail => Outcome::Fail,
            Returned::Info => Outcome::Unknown,
            Returned::Ok => {
                let value = absent::<M>(open.repeats(event)?);
                let answer = match open.named.shape {
                    Shape::Read | Shape::ReadAll => Some(value),
                    Shape::Write => None,
                    Shape::Cas => Some(Value::Bool(true)),
                };
                Outcome::Ok(self.model.output(&self.operations[open.position].input, answer.as_ref())?)
            }
        };
        self.settle(open.position, outcome);
        Ok(())
    }

    fn settle(&mut self, position: usize, outcome: Outcome<M::Output>) {
        self.now += 1;
        let operation = &mut self.operations[position];
        operation.outcome = outcome;
        operation.returned_at = self.now;
    }

    /// The operation that an event ends.
    fn take(&mut self, event: &Event<'_>) -> Result<Open, Wrong> {
        let process = event.process;
        let named = named::<M>(event.f)?;
        let missing = || Wrong::new(format!("a return of process {process}"), "an invocation of it before");
        let open = self.open.remove(&process).ok_or_else(missing)?;
        if named == open.named {
            return Ok(open);
        }
        let found = format!("process {process} returning from `{}`", named.name);
        Err(Wrong::new(found, format!("from `{}`, which it invoked in line {}", open.named.name, open.invoked.line)))
    }

    /// The history; what is still open has an unknown outcome.
    pub fn finish(self) -> Result<RecordedOf<M>, Misplaced> {
        let witness = vec![None; self.operations.len()];
        Recorded::new(self.operations, witness, self.lines, self.skipped)
    }
}

impl Open {
    /// The value of a return, without the key. That of a write or compare-and-set is nothing, or what it was invoked with.
    fn repeats(&self, event: &Event<'_>) -> Result<Value, Wrong> {
        let value = match (&self.tuple, event.value) {
            (None, value) => value,
            (Some(_), Value::Null) => &Value::Null,
            (Some(key), Value::List(pair)) if pair.len() == 2 && pair[0] == *key => &pair[1],
            (Some(key), value) => return Err(Wrong::value(value, format!("`[{} value]`, as it was invoked", key.describe()))),
        };
        let is_read = matches!(self.named.shape, Shape::Read | Shape::ReadAll);
        if is_read || *value == Value::Null || *value == self.value {
            return Ok(value.clone());
        }
        let invoked = format!("the value that it was invoked with in line {}", self.invoked.line);
        Err(Wrong::value(value, invoked))
    }
}

/// Whether a vector is a key and a value, as Jepsen writes operations on independent keys.
fn is_tuple(shape: Shape, pair: &[Value]) -> bool {
    let [_, value] = pair else { return false };
    match shape {
        // Their values are never vectors.
        Shape::Read | Shape::Write => true,
        // A list may have been filled in already.
        Shape::ReadAll => matches!(value, Value::Null | Value::List(_)),
        Shape::Cas => matches!(value, Value::List(_)),
    }
}

/// The bytes of a key.
pub(super) fn key_bytes(key: &Value) -> Result<Bytes, Wrong> {
    match key {
        Value::Keyword(name) => Ok(Bytes::copy_from_slice(name.as_bytes())),
        key => key.bytes().ok_or_else(|| Wrong::value(key, "a key, which is a string or a whole number")),
    }
}

/// The value, or nothing if it is empty and the model takes that for nothing.
pub(super) fn absent<M: Spelling>(value: Value) -> Value {
    match value {
        Value::Text(text) if M::EMPTY_IS_ABSENT && text.is_empty() => Value::Null,
        value => value,
    }
}
