//! What an operation does to an object that holds one value, in words that the checker knows.
//!
//! A model whose objects are like that says so by [`super::Model::access`]; histories in
//! which every written value is unique can then be judged in polynomial time.
//! Not here: how (`linearizability::unique`).

/// A value as far as it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// There is none.
    Absent,
    /// A number.
    Number(i64),
    /// Some bytes.
    Bytes(&'a [u8]),
}

/// What an operation does.
///
/// An operation whose outcome is unknown is described by what it does if it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// The value was this one.
    Read(Value<'a>),
    /// It is this one from now on.
    Write(Value<'a>),
    /// It is longer by these bytes. Without a value before, they are the value.
    Append(&'a [u8]),
    /// If it was the expected one, it is the new one from now on.
    Swap {
        /// What it must be.
        expected: Value<'a>,
        /// What it becomes.
        new: Value<'a>,
        /// Whether it was; `None` if nobody knows.
        done: Option<bool>,
    },
}
