//! Linearizability: is there one order in which all answers make sense?
//!
//! Every operation must seem to take effect at once, somewhere between its invocation and
//! its return (Herlihy and Wing). Operations of unknown outcome may take effect at any time
//! after their invocation, or never. Objects do not influence each other, so each key is
//! judged alone (the property is local). The verdict is exact: [`Verdict::Unknown`] is
//! given only if a limit was hit, and [`Verdict::Ok`] only with an order that was replayed.
//!
//! Not here: recording histories (`history`), what operations mean (`model`).
//! Read next: `partition`, `object`.

mod bits;
mod config;
mod decrease;
mod depth;
mod explain;
mod intern;
mod keys;
mod limits;
mod object;
mod partition;
mod pending;
mod search;
mod states;
mod steps;
mod stream;
mod unique;
mod witness;

use crate::history::History;
use crate::model::Model;
pub use explain::{Answer, Core, Explanation, Reached, Relation, Source, explain};
use keys::by_key;
pub use limits::{Limit, Limits, PENDING_MAX, Time};
pub use object::Algorithm;
use object::Found;
use partition::{Event, Partition};
use std::collections::BTreeMap;
pub use stream::{SoFar, Stream, StreamError};
pub use witness::verify_witness;

/// What a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<K> {
    /// Linearizable: per key the ids of its operations in an order that proves it. Operations
    /// that are not in it had no effect.
    Ok(BTreeMap<K, Vec<u64>>),
    /// Not linearizable.
    Illegal(Illegal<K>),
    /// No key was found to be illegal, and this one could not be decided.
    Unknown {
        /// The first such key.
        key: K,
        /// Why.
        limit: Limit,
    },
}

/// Evidence that a history is not linearizable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Illegal<K> {
    /// The object.
    pub key: K,
    /// The operation for which there is no place: without its return, and all that comes
    /// after it, the history of this key would be linearizable.
    pub operation: u64,
    /// The answered operations of this key up to and including that one, by return time. No
    /// shorter prefix is illegal if what was pending then gets the answers that it got later.
    pub prefix: Vec<u64>,
}

/// Judges a history.
///
/// # Panics
///
/// If the order that was found does not explain the history when it is replayed: the model
/// promises something that is not true (see [`Model`]), or the search is wrong.
///
/// # Example: a stale read
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::history::{History, Operation, Outcome};
/// use squall_checkers::linearizability::{Limits, Verdict, check};
/// use squall_checkers::model::kv::{Input, Kv, Output};
///
/// let key = Bytes::from_static(b"k");
/// let put = Operation {
///     id: 1,
///     client: 1,
///     input: Input::Put { key: key.clone(), value: Bytes::from_static(b"v") },
///     outcome: Outcome::Ok(Output::Done),
///     invoked_at: 10,
///     returned_at: 20,
/// };
/// let read = Operation {
///     id: 2,
///     client: 2,
///     input: Input::Get { key: key.clone() },
///     outcome: Outcome::Ok(Output::Value(None)),
///     invoked_at: 15,
///     returned_at: 30,
/// };
/// // The read overlaps the put, so it may have come first ...
/// let history = History::new(vec![put.clone(), read.clone()])?;
/// assert_eq!(check(&Kv, &history, Limits::default()), Verdict::Ok([(key, vec![2, 1])].into()));
///
/// // ... but one that begins later is stale.
/// let history = History::new(vec![put, Operation { invoked_at: 25, ..read }])?;
/// let Verdict::Illegal(illegal) = check(&Kv, &history, Limits::default()) else { panic!() };
/// assert_eq!(illegal.operation, 2);
/// # Ok::<(), squall_checkers::history::HistoryError>(())
/// ```
pub fn check<M: Model>(model: &M, history: &History<M::Input, M::Output>, limits: Limits<'_>) -> Verdict<M::Key> {
    check_watched(model, history, limits, |_| {})
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Keys that were judged.
    pub keys: usize,
    /// Of so many.
    pub of_keys: usize,
    /// Operations on those keys.
    pub operations: usize,
    /// Of so many. Operations that surely failed are not looked at.
    pub of_operations: usize,
}

/// The same as [`check`]; `watch` is told how far it has come, at first and after each key.
///
/// # Panics
///
/// As [`check`].
pub fn check_watched<M: Model>(
    model: &M,
    history: &History<M::Input, M::Output>,
    limits: Limits<'_>,
    watch: impl FnMut(Progress),
) -> Verdict<M::Key> {
    let judge = |partition: &Partition<'_, M>| Some(object::judge(model, partition, limits));
    check_each(model, history, judge, watch).expect("it never declines")
}

/// Judges a history by one algorithm only; `None` if it declines. [`check`] chooses by itself.
pub fn check_by<M: Model>(
    algorithm: Algorithm,
    model: &M,
    history: &History<M::Input, M::Output>,
    limits: Limits<'_>,
) -> Option<Verdict<M::Key>> {
    check_each(model, history, |partition| object::judge_by(algorithm, model, partition, limits), |_| {})
}

/// Judges each object; `None` as soon as `judge` declines one.
fn check_each<M: Model>(
    model: &M,
    history: &History<M::Input, M::Output>,
    judge: impl Fn(&Partition<'_, M>) -> Option<Found>,
    mut watch: impl FnMut(Progress),
) -> Option<Verdict<M::Key>> {
    let mut orders = BTreeMap::new();
    let mut undecided = None;
    let places = by_key(model, history);
    let of_operations = places.values().map(Vec::len).sum();
    let mut progress = Progress { keys: 0, of_keys: places.len(), operations: 0, of_operations };
    watch(progress);
    for (key, places) in places {
        let partition = Partition::new(model, history.operations(), &places);
        match judge(&partition)? {
            Found::Order(order) => {
                orders.insert(key, order.into_iter().map(|index| partition.ops[index as usize].operation.id).collect());
            }
            Found::Dead(operation) => return Some(Verdict::Illegal(illegal(key, &partition, operation))),
            Found::Limit(limit) => undecided = undecided.or(Some(Verdict::Unknown { key, limit })),
        }
        progress.keys += 1;
        progress.operations += places.len();
        watch(progress);
    }
    Some(undecided.unwrap_or(Verdict::Ok(orders)))
}

/// The evidence: what had returned when this operation could not.
fn illegal<M: Model>(key: M::Key, partition: &Partition<'_, M>, operation: u32) -> Illegal<M::Key> {
    let op = &partition.ops[operation as usize];
    let returned = partition.events[..=op.returned as usize].iter().filter_map(|event| match event {
        Event::Return(index) => Some(partition.ops[*index as usize].operation.id),
        Event::Invoke(_) => None,
    });
    Illegal { key, operation: op.operation.id, prefix: returned.collect() }
}
