//! What clients saw: who asked for what, when, and how it ended.
//!
//! Not here: what the operations mean (`model`) or whether the answers are possible
//! (`linearizability`). Nor is this a recorder: a run collects its operations as it likes
//! and builds a [`History`] once it wants to be judged.
//! Read next: `model`, then `linearizability`.

use std::collections::BTreeMap;

/// How an operation ended, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome<O> {
    /// It was answered.
    Ok(O),
    /// It surely had no effect and never will have one (refused before it was proposed).
    Fail,
    /// Nobody knows: it may take effect at any time after its invocation, or never.
    Unknown,
}

impl<O> Outcome<O> {
    /// The answer, if there was one.
    pub fn output(&self) -> Option<&O> {
        match self {
            Self::Ok(output) => Some(output),
            Self::Fail | Self::Unknown => None,
        }
    }
}

/// One call of one client.
///
/// Times need an order and nothing else; virtual nanoseconds are usual. Of two operations
/// one precedes the other only if it returned *strictly* before the other was invoked, so
/// equal times count as concurrent: a coarse clock must not invent an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<I, O> {
    /// Unique within the history.
    pub id: u64,
    /// Who called; only reported, a client may have several calls in flight.
    pub client: u64,
    /// What was asked for.
    pub input: I,
    /// How it ended.
    pub outcome: Outcome<O>,
    /// When the client sent it.
    pub invoked_at: u64,
    /// When the client had its answer. For [`Outcome::Unknown`] the time at which it gave
    /// up, which bounds nothing: the operation may still take effect later.
    pub returned_at: u64,
}

/// Why a list of operations is no history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Two operations carry one id.
    #[error("operation {id}: found the id again at position {found_at} (first at {first_at}), expected unique ids")]
    DuplicateId {
        /// The id that is there twice.
        id: u64,
        /// Position of its first use in the list.
        first_at: usize,
        /// Position of its second use in the list.
        found_at: usize,
    },
    /// An operation ended before it began.
    #[error(
        "operation {id} of client {client}: found its return at {returned_at}, expected a time not before its invocation at {invoked_at}"
    )]
    ReturnBeforeInvocation {
        /// The operation.
        id: u64,
        /// Its client.
        client: u64,
        /// When it is said to have been invoked.
        invoked_at: u64,
        /// When it is said to have returned.
        returned_at: u64,
    },
}

/// Operations with unique ids, none of which returned before it was invoked.
///
/// ```
/// use squall_checkers::history::{History, HistoryError, Operation, Outcome};
///
/// let read = Operation { id: 1, client: 7, input: "get", outcome: Outcome::Ok(42), invoked_at: 10, returned_at: 12 };
/// let history = History::new(vec![read.clone()])?;
/// assert_eq!(history.operations(), [read.clone()]);
///
/// let backwards = Operation { returned_at: 9, ..read };
/// let error = History::new(vec![backwards]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "operation 1 of client 7: found its return at 9, expected a time not before its invocation at 10",
/// );
/// # Ok::<(), HistoryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<I, O> {
    operations: Vec<Operation<I, O>>,
}

impl<I, O> History<I, O> {
    /// Takes operations in any order.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] names the first operation that does not fit.
    pub fn new(operations: Vec<Operation<I, O>>) -> Result<Self, HistoryError> {
        let mut first_uses = BTreeMap::new();
        for (found_at, operation) in operations.iter().enumerate() {
            let &Operation { id, client, invoked_at, returned_at, .. } = operation;
            if let Some(first_at) = first_uses.insert(id, found_at) {
                return Err(HistoryError::DuplicateId { id, first_at, found_at });
            }
            if returned_at < invoked_at {
                return Err(HistoryError::ReturnBeforeInvocation { id, client, invoked_at, returned_at });
            }
        }
        Ok(Self { operations })
    }

    /// The operations in the order in which they were given.
    pub fn operations(&self) -> &[Operation<I, O>] {
        &self.operations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: u64, invoked_at: u64, returned_at: u64) -> Operation<(), ()> {
        Operation { id, client: 3, input: (), outcome: Outcome::Unknown, invoked_at, returned_at }
    }

    #[test]
    fn an_id_used_twice_is_refused_with_both_places() {
        let error = History::new(vec![operation(4, 0, 1), operation(5, 0, 1), operation(4, 2, 3)]).unwrap_err();
        assert_eq!(error, HistoryError::DuplicateId { id: 4, first_at: 0, found_at: 2 });
        assert_eq!(error.to_string(), "operation 4: found the id again at position 2 (first at 0), expected unique ids");
    }

    #[test]
    fn a_return_before_the_invocation_is_refused_and_an_instant_operation_is_not() {
        let error = History::new(vec![operation(4, 5, 4)]).unwrap_err();
        assert_eq!(error, HistoryError::ReturnBeforeInvocation { id: 4, client: 3, invoked_at: 5, returned_at: 4 });
        assert_eq!(History::new(vec![operation(4, 5, 5)]).unwrap().operations().len(), 1);
    }

    #[test]
    fn only_an_answered_operation_has_an_output() {
        assert_eq!(Outcome::Ok(1).output(), Some(&1));
        assert_eq!(Outcome::<u8>::Fail.output(), None);
        assert_eq!(Outcome::<u8>::Unknown.output(), None);
    }
}
