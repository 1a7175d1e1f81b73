//! What an operation does to a collection, in words that the checker knows.
//!
//! A model whose objects are like that says so by [`super::Model::queueing`] or
//! [`super::Model::membership`]; histories in which nothing is put in twice can then be judged
//! in polynomial time. Not here: how (`linearizability::decrease`).

use super::Value;

/// What an operation does to a queue that is empty at first.
///
/// An operation whose outcome is unknown is described by what it does if it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queueing<'a> {
    /// This value is the newest from now on.
    Enqueue(Value<'a>),
    /// This value was the oldest, and is gone.
    Dequeue(Value<'a>),
    /// There was no value.
    Empty,
    /// The oldest value, if there was one, is gone, and nobody knows which that was.
    DequeueUnknown,
}

/// What an operation does to a set that is empty at first.
///
/// An operation whose outcome is unknown is described by what it does if it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership<'a> {
    /// The element is in it from now on.
    Add {
        /// Which.
        element: Value<'a>,
        /// Whether it was not before; `None` if nobody knows.
        changed: Option<bool>,
    },
    /// The element is not in it from now on.
    Remove {
        /// Which.
        element: Value<'a>,
        /// Whether it was before; `None` if nobody knows.
        changed: Option<bool>,
    },
    /// Nothing changes, and this was seen.
    Contains {
        /// Which.
        element: Value<'a>,
        /// Whether it was there.
        answer: bool,
    },
    /// Nothing changes, and these were all elements, each named once.
    All(Vec<Value<'a>>),
}
