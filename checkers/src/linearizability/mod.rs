//! Linearizability: is there one order in which all answers make sense?
//!
//! Every operation must seem to take effect at once, somewhere between its invocation and
//! its return (Herlihy and Wing). Operations of unknown outcome may take effect at any time
//! after their invocation, or never. Objects do not influence each other, so each key is
//! judged alone (the property is local). The verdict is exact: [`Verdict::Unknown`] is
//! given only if a limit was hit, and [`Verdict::Ok`] only with an order that was replayed.
//!
//! Not here: recording histories (`history`), what operations mean (`model`).
//! Read next: `partition`, `search`.

mod bits;
mod config;
mod explain;
mod partition;
mod search;
mod states;
mod witness;

use crate::history::{History, Operation, Outcome};
use crate::model::Model;
use partition::Partition;
use search::{Search, Stop};
use std::collections::BTreeMap;

/// How many operations on one key may be pending at the same time. Those of unknown outcome
/// stay pending for ever.
pub const PENDING_MAX: usize = 2048;

/// How far a check may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many configurations (a state with what is pending) may be explored per key. An
    /// ordinary history needs a few per operation.
    pub configurations: u64,
}

impl Default for Limits {
    /// A million per key: seconds at most, and far more than a client's history needs.
    fn default() -> Self {
        Self { configurations: 1_000_000 }
    }
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::configurations`].
    Configurations(u64),
    /// [`PENDING_MAX`]; so many were pending.
    Pending(usize),
}

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
    /// The answered operations of this key up to and including that one, by return time:
    /// the shortest prefix that is not linearizable.
    pub prefix: Vec<u64>,
    /// The same for people, over several lines.
    pub explanation: String,
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
pub fn check<M: Model>(model: &M, history: &History<M::Input, M::Output>, limits: Limits) -> Verdict<M::Key> {
    let mut orders = BTreeMap::new();
    let mut undecided = None;
    for (key, operations) in by_key(model, history) {
        match check_object(model, &key, &operations, limits) {
            Verdict::Ok(order) => orders.extend(order),
            illegal @ Verdict::Illegal(_) => return illegal,
            unknown @ Verdict::Unknown { .. } => undecided = undecided.or(Some(unknown)),
        }
    }
    undecided.unwrap_or(Verdict::Ok(orders))
}

type Operations<'a, M> = Vec<&'a Operation<<M as Model>::Input, <M as Model>::Output>>;

fn by_key<'a, M: Model>(model: &M, history: &'a History<M::Input, M::Output>) -> BTreeMap<M::Key, Operations<'a, M>> {
    let mut keys: BTreeMap<_, Operations<'a, M>> = BTreeMap::new();
    for operation in history.operations() {
        if operation.outcome != Outcome::Fail {
            keys.entry(model.partition_key(&operation.input)).or_default().push(operation);
        }
    }
    keys
}

fn check_object<M: Model>(
    model: &M,
    key: &M::Key,
    operations: &[&Operation<M::Input, M::Output>],
    limits: Limits,
) -> Verdict<M::Key> {
    let partition = Partition::new(model, operations);
    let budget = limits.configurations;
    // Sets are as wide as they need to be; most histories fit into one word.
    let found = match partition.slots {
        0..=64 => Search::<M, 1>::new(model, &partition, budget).run(),
        65..=256 => Search::<M, 4>::new(model, &partition, budget).run(),
        257..=PENDING_MAX => Search::<M, { PENDING_MAX / 64 }>::new(model, &partition, budget).run(),
        pending => return Verdict::Unknown { key: key.clone(), limit: Limit::Pending(pending) },
    };
    match found {
        Err(Stop::Exhausted) => Verdict::Unknown { key: key.clone(), limit: Limit::Configurations(budget) },
        Err(Stop::Dead(death)) => Verdict::Illegal(explain::illegal(model, key, &partition, &death)),
        Ok(path) => {
            let order = witness::order(&partition.ops, &path);
            assert!(witness::verify(model, &partition.ops, &order), "the search returned an order that is none");
            let ids = order.into_iter().map(|index| partition.ops[index].id).collect();
            Verdict::Ok(BTreeMap::from([(key.clone(), ids)]))
        }
    }
}
