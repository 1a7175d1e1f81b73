//! How a model's operations are spelled in files, whichever the format.
//!
//! | model | operations, with `a` and `b` as arguments and `out` as answer |
//! | --- | --- |
//! | `register` | `read` -> value or null, `write` a |
//! | `cas-register` | `read` -> value or null, `write` a, `cas` a (expected, null: nothing there) b (new) -> true or false |
//! | `kv` | `get` -> value or null, `put` a, `app` a, `cas` a b -> true or false, `del` -> whether it was there |
//! | `append-list` | `append` a, `read` -> list |
//! | `set` | `add` a and `remove` a (-> whether it changed anything), `contains` a -> true or false, `read` -> list |
//! | `counter` | `add` a (-> the sum after it), `read` -> the sum |
//! | `queue` | `enqueue` a, `dequeue` -> value, or null: empty |
//! | `lock` | `acquire` -> token (null: not told, false: busy), `release` a (the token, null: whatever it is) -> false if not held |
//!
//! Answers in parentheses may be left out. Usual names in other tools are understood as well:
//! `read`/`get`, `write`/`put`, `app`/`append`, `del`/`delete`, `push`/`enqueue`, `pop`/`dequeue`.
//! Not here: how a line is put together (`jsonl`, `edn`, `jepsen_log`).

mod append_list;
mod cas_register;
mod counter;
mod kv;
mod lock;
mod queue;
mod register;
mod set;

use super::error::Wrong;
use super::value::Value;
use crate::model::Model;
use bytes::Bytes;

/// What an operation takes and gives, for formats in which one place holds the arguments and then the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// No argument; the answer is a single value.
    Read,
    /// No argument; the answer is a list.
    ReadAll,
    /// One argument, which an answer repeats.
    Write,
    /// What is expected and what is to be; answered by whether it was so.
    Cas,
}

/// An operation's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The name that is written, and that [`Asked::f`] has.
    pub name: &'static str,
    /// Other names that are understood.
    pub aliases: &'static [&'static str],
    /// What it takes and gives.
    pub shape: Shape,
}

impl Named {
    const fn new(name: &'static str, aliases: &'static [&'static str], shape: Shape) -> Self {
        Self { name, aliases, shape }
    }
}

/// An operation without its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The first of its names.
    pub f: &'static str,
    /// The key, if it has one.
    pub key: Option<Bytes>,
    /// The first argument, [`Value::Null`] if there is none.
    pub a: Value,
    /// The second one.
    pub b: Value,
}

/// What an empty key points into. `Bytes::new()` points at no memory at all, and comparing two of
/// those costs a processor with masked loads some 100 ns, each of which it has to take back.
static SOMEWHERE: [u8; 1] = [0];

impl Asked {
    /// Without a key and arguments.
    pub fn new(f: &'static str) -> Self {
        Self { f, key: None, a: Value::Null, b: Value::Null }
    }

    /// On this key.
    #[must_use]
    pub fn on(self, key: &Bytes) -> Self {
        Self { key: Some(key.clone()), ..self }
    }

    /// With one argument.
    #[must_use]
    pub fn with(self, a: Value) -> Self {
        Self { a, ..self }
    }

    /// The key, empty if there is none.
    pub fn key(&self) -> Bytes {
        self.key.clone().unwrap_or(Bytes::from_static(&SOMEWHERE[..0]))
    }

    /// The first argument, of an operation that has no other and must have this one.
    ///
    /// # Errors
    ///
    /// If it is no string or whole number, or if there is a second one.
    pub fn argument(&self) -> Result<Bytes, Wrong> {
        self.no_second()?;
        present(&self.a)
    }

    /// Nothing, of an operation that has no argument.
    ///
    /// # Errors
    ///
    /// If there is one.
    pub fn no_argument(&self) -> Result<(), Wrong> {
        self.no_second()?;
        match self.a {
            Value::Null => Ok(()),
            _ => Err(Wrong::value(&self.a, format!("no argument of `{}`", self.f))),
        }
    }

    /// What is expected and what is to be, of a compare-and-set.
    ///
    /// # Errors
    ///
    /// If one of them is neither a string nor a whole number; what is expected may be null.
    pub fn cas(&self) -> Result<(Option<Bytes>, Bytes), Wrong> {
        Ok((optional(&self.a)?, present(&self.b)?))
    }

    fn no_second(&self) -> Result<(), Wrong> {
        match self.b {
            Value::Null => Ok(()),
            _ => Err(Wrong::value(&self.b, format!("no second argument of `{}`", self.f))),
        }
    }
}

/// A model whose histories can be read and written.
///
/// Implement it for a model of your own, and its histories can be files, too.
pub trait Spelling: Model {
    /// What the operations are called.
    const OPERATIONS: &'static [Named];

    /// Whether an empty string means that there is nothing, unless the file says otherwise.
    const EMPTY_IS_ABSENT: bool = false;

    /// An operation from a file. [`Asked::f`] is the first name of one of [`Self::OPERATIONS`].
    ///
    /// # Errors
    ///
    /// If the arguments are not what the operation takes.
    fn input(&self, asked: &Asked) -> Result<Self::Input, Wrong>;

    /// An answer from a file; `None` if there is none beside the fact that it returned.
    ///
    /// # Errors
    ///
    /// If the operation never answers such a thing.
    fn output(&self, input: &Self::Input, answer: Option<&Value>) -> Result<Self::Output, Wrong>;

    /// An operation for a file; [`Spelling::input`] gets it back.
    fn spell_input(&self, input: &Self::Input) -> Asked;

    /// An answer for a file; [`Spelling::output`] gets it back.
    fn spell_output(&self, output: &Self::Output) -> Option<Value>;
}

/// The operation of this name.
pub(super) fn named<M: Spelling>(name: &str) -> Result<Named, Wrong> {
    let is_it = |named: &&Named| named.name == name || named.aliases.contains(&name);
    M::OPERATIONS.iter().find(is_it).copied().ok_or_else(|| {
        let names: Vec<_> = M::OPERATIONS.iter().map(|named| named.name).collect();
        let names = format!("an operation of the model: {}", names.join(", "));
        match name {
            "txn" => Wrong::new("a transaction (`txn`)", format!("{names}; transactions are not judged")),
            _ => Wrong::new(format!("operation `{}`", name.chars().take(40).collect::<String>()), names),
        }
    })
}

/// A value that must be there.
fn present(value: &Value) -> Result<Bytes, Wrong> {
    value.bytes().ok_or_else(|| Wrong::value(value, "a string or a whole number"))
}

/// A value that may be null.
fn optional(value: &Value) -> Result<Option<Bytes>, Wrong> {
    match value {
        Value::Null => Ok(None),
        value => present(value).map(Some),
    }
}

fn number(value: &Value) -> Result<i64, Wrong> {
    match value {
        Value::Int(number) => i64::try_from(*number).map_err(|_| Wrong::value(value, "a whole number of 64 bits")),
        value => Err(Wrong::value(value, "a whole number")),
    }
}

/// Values of a list, in its order.
fn list(value: &Value) -> Result<Vec<Bytes>, Wrong> {
    match value {
        Value::List(values) => values.iter().map(present).collect(),
        value => Err(Wrong::value(value, "a list of strings or whole numbers")),
    }
}

/// An answer that must be there, even if it is null.
fn answered(answer: Option<&Value>) -> Result<&Value, Wrong> {
    answer.ok_or_else(|| Wrong::new("no answer", "what was read"))
}

fn yes_or_no(answer: Option<&Value>) -> Result<bool, Wrong> {
    match answer {
        Some(Value::Bool(flag)) => Ok(*flag),
        other => Err(Wrong::new(other.map_or_else(|| "no answer".to_owned(), Value::describe), "true or false")),
    }
}

/// Nothing but the fact that it is done.
fn done(answer: Option<&Value>) -> Result<(), Wrong> {
    match answer {
        None | Some(Value::Null) => Ok(()),
        Some(value) => Err(Wrong::value(value, "no answer")),
    }
}

/// What [`optional`] reads back.
fn spelled(value: Option<&Bytes>) -> Value {
    value.cloned().map_or(Value::Null, Value::Text)
}
