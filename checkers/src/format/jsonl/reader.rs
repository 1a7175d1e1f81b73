//! From lines to operations.

use super::super::error::{Misplaced, Place, Wrong};
use super::super::events::{absent, key_bytes};
use super::super::spelling::{Asked, Spelling, named};
use super::super::value::Value;
use super::super::{Recorded, RecordedOf};
use super::line::{Line, reword};
use super::meta::Meta;
use crate::history::{Operation, Outcome};
use crate::model::Model;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// Reads a whole file.
pub(in super::super) fn read<M: Spelling>(model: &M, text: &str) -> Result<RecordedOf<M>, Misplaced> {
    let mut reader = Reader::new(model);
    let mut is_first = true;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match if std::mem::take(&mut is_first) { Meta::parse(line, number)? } else { None } {
            Some(meta) => reader.meta = meta,
            None => reader.line(number, line)?,
        }
    }
    reader.finish(text)
}

/// What a client had under way when it was last seen.
struct Last {
    line: usize,
    /// When it returned; 0 if it never did, so that nothing is before.
    returned_at: u64,
}

struct Reader<'m, M: Model> {
    model: &'m M,
    meta: Meta,
    operations: Vec<Operation<M::Input, M::Output>>,
    witness: Vec<Option<u64>>,
    lines: Vec<usize>,
    clients: BTreeMap<u64, Last>,
    /// Keys are few, and shared by all operations on them.
    keys: BTreeSet<Bytes>,
}

impl<'m, M: Spelling> Reader<'m, M> {
    fn new(model: &'m M) -> Self {
        Self {
            model,
            meta: Meta::default(),
            operations: Vec::new(),
            witness: Vec::new(),
            lines: Vec::new(),
            clients: BTreeMap::new(),
            keys: BTreeSet::new(),
        }
    }

    fn line(&mut self, number: usize, text: &str) -> Result<(), Misplaced> {
        // serde would take a list for an object whose fields are in order.
        if !text.trim_start().starts_with('{') {
            return Err(Wrong::new("a line without an object", "an operation as a JSON object").at(Place::line(number)));
        }
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| reword(number, &error))?;
        self.operation(number, line).map_err(|wrong| wrong.at(Place::line(number)))
    }

    fn operation(&mut self, number: usize, line: Line<'_>) -> Result<(), Wrong> {
        self.in_order(number, &line)?;
        let named = named::<M>(&line.f)?;
        let key = line.k.as_ref().filter(|key| **key != Value::Null).map(|key| self.key(key)).transpose()?;
        let asked = Asked { f: named.name, key, a: self.value(line.a), b: self.value(line.b) };
        let input = self.model.input(&asked)?;
        let answer = line.out.map(|out| self.value(out));
        let outcome = match (line.fail, line.t1, &answer) {
            (false, Some(_), answer) => Outcome::Ok(self.model.output(&input, answer.as_ref())?),
            (_, _, Some(answer)) => return Err(Wrong::value(answer, "no `out` of an operation that was not answered")),
            (true, _, None) => Outcome::Fail,
            (false, None, None) => Outcome::Unknown,
        };
        self.operations.push(Operation {
            id: line.i,
            client: line.c,
            input,
            outcome,
            invoked_at: line.t0,
            returned_at: line.t1.unwrap_or(line.t0),
        });
        self.witness.push(line.w);
        self.lines.push(number);
        Ok(())
    }

    /// Lines are in the order of invocations, and a client does one thing after the other.
    fn in_order(&mut self, number: usize, line: &Line<'_>) -> Result<(), Wrong> {
        let Line { c, t0, t1, .. } = *line;
        if let Some((before, at)) = self.operations.last().zip(self.lines.last())
            && t0 < before.invoked_at
        {
            return Err(Wrong::new(format!("`t0` {t0}"), format!("{} or later, as in line {at}", before.invoked_at)));
        }
        if let Some(t1) = t1.filter(|t1| *t1 < t0) {
            return Err(Wrong::new(format!("`t1` {t1}"), format!("`t0`, {t0}, or later")));
        }
        let last = Last { line: number, returned_at: t1.unwrap_or_default() };
        match self.clients.insert(c, last) {
            Some(Last { line, returned_at }) if t0 < returned_at => {
                let found = format!("a second invocation of client {c} at {t0}");
                Err(Wrong::new(found, format!("its operation of line {line} to return first, at {returned_at}")))
            }
            _ => Ok(()),
        }
    }

    fn key(&mut self, key: &Value) -> Result<Bytes, Wrong> {
        let key = key_bytes(key)?;
        if let Some(known) = self.keys.get(&key) {
            return Ok(known.clone());
        }
        self.keys.insert(key.clone());
        Ok(key)
    }

    fn value(&self, value: Value) -> Value {
        if self.meta.empty_is_present() { value } else { absent::<M>(value) }
    }

    fn finish(self, text: &str) -> Result<RecordedOf<M>, Misplaced> {
        let found = self.operations.len() as u64;
        if let Some(ops) = self.meta.ops.filter(|ops| *ops != found) {
            let wrong = Wrong::new(format!("{found} operations"), format!("{ops}, as line 1 says: is the file cut off?"));
            return Err(wrong.at(Place::line(text.lines().count().max(1))));
        }
        Recorded::new(self.operations, self.witness, self.lines, 0)
    }
}
