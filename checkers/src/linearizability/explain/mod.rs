//! Says why a history is not linearizable: as data, and as a text that fits a screen.
//!
//! Four things, each for the key that is illegal: the operation for which there was no place
//! and what the object may have been by then; an order of all that returned before; a minimal
//! set of operations that cannot be ordered (the core); and where each answer in the core
//! could have come from.
//!
//! Not here: the decision (`object`).
//! Read next: `core`, which defines what minimal means.

mod core;
mod death;
mod minimal;
mod possible;
mod sources;
mod text;

use super::Illegal;
use super::keys::by_key;
use super::limits::Limits;
use super::object::{self, Found};
use super::partition::{OperationOf, Partition, position};
use crate::history::{History, Operation, Outcome};
use crate::model::Model;
use possible::Prefix;

/// Of how many operations of a core the sources are looked for.
const ANSWERS_MAX: usize = 32;

/// Why a history is not linearizable.
///
/// Operations are named by their ids. Times are those of the history.
///
/// # Example: a stale read
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::history::{History, Operation, Outcome};
/// use squall_checkers::linearizability::{Limits, Relation, Verdict, check, explain};
/// use squall_checkers::model::register::{Action, Input, Output, Register};
///
/// let call = |id, action, output| Operation {
///     id,
///     client: 10 + id,
///     input: Input { key: Bytes::from_static(b"x"), action },
///     outcome: Outcome::Ok(output),
///     invoked_at: 100 * id,
///     returned_at: 100 * id + 50,
/// };
/// let value = |value: &'static str| Bytes::from_static(value.as_bytes());
/// let history = History::new(vec![
///     call(0, Action::Write { value: value("1") }, Output::Done),
///     call(1, Action::Write { value: value("2") }, Output::Done),
///     call(2, Action::Read, Output::Value(Some(value("2")))),
///     call(3, Action::Read, Output::Value(Some(value("1")))),
/// ])?;
/// let register = Register::default();
/// let Verdict::Illegal(illegal) = check(&register, &history, Limits::default()) else { panic!() };
/// let explanation = explain(&register, &history, &illegal, Limits::default());
///
/// // The two reads cannot be ordered, whichever other operations are taken into account.
/// assert_eq!((&explanation.core.operations[..], explanation.core.is_minimal), (&[2, 3][..], true));
/// // Without the return of the last read, there is an order.
/// assert_eq!((explanation.operation, explanation.died_at), (3, 350));
/// assert_eq!(explanation.order, Some(vec![0, 1, 2]));
/// // What was read was written before.
/// let read = explanation.answers.iter().find(|answer| answer.operation == 3).expect("it is in the core");
/// assert_eq!((read.sources[0].operation, read.sources[0].relation), (0, Relation::Before));
/// assert!(explanation.text(&register, &history).contains("cannot be ordered"));
/// # Ok::<(), squall_checkers::history::HistoryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<K> {
    /// The object.
    pub key: K,
    /// The operation for which there is no place: without its return, all until then is linearizable.
    /// Operations that were pending then count with the answers that they got later.
    pub operation: u64,
    /// When it returned.
    pub died_at: u64,
    /// How many operations of this key were answered until then, this one included.
    pub answered: usize,
    /// An order of all that returned before: the longest prefix that is linearizable. It may hold
    /// operations that had not returned. `None` if a limit was hit.
    pub order: Option<Vec<u64>>,
    /// What the object may have been when the operation had to have its place, in the words of
    /// the model; some of them, if there are many.
    pub states: Vec<Reached>,
    /// What was pending at that time besides, by invocation.
    pub pending: Vec<u64>,
    /// Operations that cannot be ordered.
    pub core: Core,
    /// What the operations of the core were answered, by invocation: all of a core of up to 32
    /// operations, else the last ones and the one that died.
    pub answers: Vec<Answer>,
}

/// A state that some order leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The state, as the model describes it.
    pub state: String,
    /// The last few operations of the order that leads there.
    pub after: Vec<u64>,
}

/// Operations that cannot be ordered, whichever of the others are taken into account.
///
/// That is: they have no order, nor have they one together with any selection of the other
/// operations of the prefix. The set is *minimal* if that is true of no set with one operation
/// less: the others can then be ordered, together with some selection.
///
/// Why not simply "is not linearizable, and is without any one of its operations"? Because a
/// read of the old value would then do alone as soon as its write is left out, and explain nothing;
/// worse, leaving out a write can make a blameless read look wrong. With this definition an
/// operation that is left out may still have been there, and what is left is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// By invocation. The operation that died is always among them.
    pub operations: Vec<u64>,
    /// Whether it is known that none can be left out. If not, a limit was hit.
    pub is_minimal: bool,
}

/// Where an answer could have come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The operation that was answered.
    pub operation: u64,
    /// Whether it could be answered so before any other operation.
    pub fits_initially: bool,
    /// The operations that make this answer possible, by invocation: if all that matters is one
    /// operation, all those that would do (so of a read value, its writes); else those that it
    /// needs together. Empty if it fits initially, or if there is no way to it.
    pub sources: Vec<Source>,
    /// Whether the sources are complete; if not, a limit was hit.
    pub is_complete: bool,
}

/// One operation that an answer may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The operation.
    pub operation: u64,
    /// When it was, seen from the answer.
    pub relation: Relation,
}

/// When a source was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It had returned before the answered operation was invoked.
    Before,
    /// Neither returned before the other was invoked.
    Concurrent,
    /// Its outcome is unknown, and it was invoked before the answer came.
    Unknown,
    /// It was invoked only after the answer.
    After,
    /// It surely had no effect.
    Failed,
}

/// Explains a verdict: why there is no order of the operations on `illegal.key`.
///
/// It searches once more, several times, and each search stays within `limits`; all searches for
/// the core together stay within the same number of configurations. What could not be
/// found out within them is left open and marked so. The result depends on nothing but
/// the arguments, unless there is a limit on time.
///
/// # Panics
///
/// If `illegal` is not about this history.
pub fn explain<M: Model>(
    model: &M,
    history: &History<M::Input, M::Output>,
    illegal: &Illegal<M::Key>,
    limits: Limits<'_>,
) -> Explanation<M::Key> {
    let places = by_key(model, history).remove(&illegal.key).unwrap_or_default();
    let partition = Partition::new(model, history.operations(), &places);
    let prefix = Prefix::new(model, &partition, illegal.operation);
    let culprit = &prefix.operations[prefix.culprit];
    let mut death = death::situation(&prefix, limits);
    let order = order(&prefix, limits).or(death.order);
    if death.states.is_empty() {
        death.states.extend(order.as_ref().and_then(|order| death::state_after(&prefix, order)));
    }
    let core = core::find(&prefix, limits);
    let of_key: Vec<_> =
        history.operations().iter().filter(|operation| *model.partition_key(&operation.input) == illegal.key).collect();
    let skipped = core.places.len().saturating_sub(ANSWERS_MAX);
    let told = core.places.iter().enumerate().filter(|(number, place)| skipped <= *number || **place == prefix.culprit);
    let answers = told.map(|(_, place)| sources::answer(&prefix, &of_key, *place, limits)).collect();
    let id = |place: &usize| prefix.operations[*place].id;
    Explanation {
        key: illegal.key.clone(),
        operation: culprit.id,
        died_at: culprit.returned_at,
        answered: prefix.answered().count(),
        order,
        states: death.states,
        pending: prefix.pending(),
        core: Core { operations: core.places.iter().map(id).collect(), is_minimal: core.is_minimal },
        answers,
    }
}

/// An order of all that returned before the death.
fn order<M: Model>(prefix: &Prefix<'_, M>, limits: Limits<'_>) -> Option<Vec<u64>> {
    let operations = prefix.just_before();
    let places: Vec<u32> = (0..position(operations.len())).collect();
    let partition = Partition::new(prefix.model, &operations, &places);
    match object::judge(prefix.model, &partition, limits) {
        Found::Order(order) => Some(order.iter().map(|index| partition.ops[*index as usize].operation.id).collect()),
        Found::Dead(_) | Found::Limit(_) => None,
    }
}

/// When `source` was, seen from the answer to `operation`.
fn relation<I, O>(source: &Operation<I, O>, operation: &Operation<I, O>) -> Relation {
    match source.outcome {
        Outcome::Fail => Relation::Failed,
        _ if operation.returned_at < source.invoked_at => Relation::After,
        Outcome::Unknown => Relation::Unknown,
        Outcome::Ok(_) if source.returned_at < operation.invoked_at => Relation::Before,
        Outcome::Ok(_) => Relation::Concurrent,
    }
}
