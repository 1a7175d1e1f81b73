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
mod intern;
mod limits;
mod partition;
mod pending;
mod search;
mod states;
mod steps;
mod unique;
mod witness;

use crate::history::{History, Operation, Outcome};
use crate::model::Model;
pub use explain::explain;
use limits::{Halt, Meter};
pub use limits::{Limit, Limits, PENDING_MAX, Time};
use partition::{Event, OperationOf, Partition};
use search::Stop;
use states::Rules;
use std::collections::BTreeMap;

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
    let mut orders = BTreeMap::new();
    let mut undecided = None;
    for (key, operations) in by_key(model, history) {
        let partition = Partition::new(model, &operations);
        match check_object(model, &partition, limits) {
            Found::Order(order) => {
                orders.insert(key, order.into_iter().map(|index| partition.ops[index as usize].operation.id).collect());
            }
            Found::Dead(operation) => return Verdict::Illegal(illegal(key, &partition, operation)),
            Found::Limit(limit) => undecided = undecided.or(Some(Verdict::Unknown { key, limit })),
        }
    }
    undecided.unwrap_or(Verdict::Ok(orders))
}

fn by_key<'a, M: Model>(model: &M, history: &'a History<M::Input, M::Output>) -> BTreeMap<M::Key, Vec<&'a OperationOf<M>>> {
    let mut keys: BTreeMap<_, Vec<&Operation<_, _>>> = BTreeMap::new();
    for operation in history.operations() {
        if operation.outcome != Outcome::Fail {
            keys.entry(model.partition_key(&operation.input)).or_default().push(operation);
        }
    }
    keys
}

/// What was found out about one object.
enum Found {
    /// An order, as places of operations.
    Order(Vec<u32>),
    /// There is none; the place of the operation without which there would be one.
    Dead(u32),
    /// A limit was hit.
    Limit(Limit),
}

fn check_object<M: Model>(model: &M, partition: &Partition<'_, M>, limits: Limits<'_>) -> Found {
    match unique::judge(model, partition) {
        Some(Err(operation)) => return Found::Dead(operation),
        Some(Ok(order)) => {
            if !witness::verify(model, &partition.ops, &order) { for (i, op) in partition.ops.iter().enumerate() { eprintln!("{i}: {} {}..{:?} {}", model.describe(&op.operation.input, op.operation.outcome.output()), op.invoked, op.returned, order.iter().position(|o| *o == i as u32).map_or(-1, |p| p as i32)); } panic!("unique values gave an order that is none"); }
            return Found::Order(order);
        }
        None => {}
    }
    if std::env::var("LINDEBUG").is_ok() { eprintln!("fallback {}", partition.ops.len()); }
    let found = configuration_sets(model, partition, &mut Meter::new(limits));
    match found {
        Err(Stop::Halt(Halt::Limit(limit))) => Found::Limit(limit),
        Err(Stop::Halt(Halt::Pause)) => unreachable!("nobody asked for a pause"),
        Err(Stop::Dead(operation)) => Found::Dead(operation),
        Ok(order) => {
            assert!(witness::verify(model, &partition.ops, &order), "the search returned an order that is none");
            Found::Order(order)
        }
    }
}

fn configuration_sets<M: Model>(model: &M, partition: &Partition<'_, M>, meter: &mut Meter<'_>) -> Result<Vec<u32>, Stop> {
    let horizon = partition.horizon(model);
    let rules = Rules { model, horizon: Some(&horizon) };
    let numbers = partition.numbers();
    // Sets are as wide as they need to be; most histories fit into one word.
    match partition.pending_max() {
        0..=64 => search::run::<M, 1>(rules, partition, &numbers, meter),
        65..=128 => search::run::<M, 2>(rules, partition, &numbers, meter),
        129..=256 => search::run::<M, 4>(rules, partition, &numbers, meter),
        257..=512 => search::run::<M, 8>(rules, partition, &numbers, meter),
        513..=PENDING_MAX => search::run::<M, { PENDING_MAX / 64 }>(rules, partition, &numbers, meter),
        pending => Err(Stop::Halt(Halt::Limit(Limit::Pending(pending)))),
    }
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
