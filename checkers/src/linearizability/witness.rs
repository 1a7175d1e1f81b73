//! Orders that somebody claims, and the proof that one is.
//!
//! It knows nothing of the rules by which orders are found: it replays the order on the plain
//! model and against real time. So a wrong rule cannot make a history look right.
//! Not here: the searches.

use super::by_key;
use super::partition::{NEVER, Op, OperationOf, call};
use crate::history::{History, Outcome};
use crate::model::Model;
use crate::mutants::Bug;
use std::collections::BTreeMap;

/// Whether the order holds every answered operation once, none that returned before one
/// ahead of it was invoked, and gives each the answer it had.
pub(super) fn verify<M: Model>(model: &M, ops: &[Op<'_, M>], order: &[u32]) -> bool {
    let mut times = vec![0_u8; ops.len()];
    order.iter().for_each(|index| times[*index as usize] = times[*index as usize].saturating_add(1));
    let complete = ops.iter().zip(times).all(|(op, times)| times == 1 || (times == 0 && op.returned == NEVER));
    complete && replays(model, order.iter().map(|index| ops[*index as usize].operation))
}

/// Whether these operations, one by one, respect real time and have the answers they had.
fn replays<'a, M: Model + 'a>(model: &M, order: impl Iterator<Item = &'a OperationOf<M>>) -> bool {
    let mut state = model.init();
    let mut last_invocation = 0;
    for operation in order {
        last_invocation = operation.invoked_at.max(last_invocation);
        let is_free = operation.outcome == Outcome::Unknown || Bug::WitnessIgnoresTime.is_planted();
        let returns_in_time = is_free || last_invocation <= operation.returned_at;
        match model.advance(state, &operation.input, operation.outcome.output()) {
            Some(next) if returns_in_time => state = next,
            _ => return false,
        }
    }
    true
}

/// When an operation took effect: its position, whether it only read, and when it was invoked.
type Moment = (u64, bool, u64);

/// Verifies an order that the system itself gave away: for each operation of the history, in
/// its order, when it took effect.
///
/// In a replicated log that is the index of a write, and for a read the index up to which its
/// server had applied: of operations with one position reads come last. `None` is for
/// operations that had no effect, which cannot be answered ones.
///
/// The result is the same as in [`super::Verdict::Ok`]. `None` proves nothing: the system may
/// have been wrong about the order alone. [`super::check`] decides.
///
/// # Panics
///
/// If there are not as many positions as operations.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::history::{History, Operation, Outcome};
/// use squall_checkers::linearizability::verify_witness;
/// use squall_checkers::model::kv::{Input, Kv, Output};
///
/// let key = Bytes::from_static(b"k");
/// let put = |id, value: &'static [u8]| Operation {
///     id,
///     client: id,
///     input: Input::Put { key: key.clone(), value: Bytes::from_static(value) },
///     outcome: Outcome::Ok(Output::Done),
///     invoked_at: 0,
///     returned_at: 9,
/// };
/// let read = Operation {
///     input: Input::Get { key: key.clone() },
///     outcome: Outcome::Ok(Output::Value(Some(Bytes::from_static(b"a")))),
///     ..put(3, b"")
/// };
/// let history = History::new(vec![put(1, b"a"), put(2, b"b"), read])?;
/// assert_eq!(verify_witness(&Kv, &history, &[Some(7), Some(8), Some(7)]), Some([(key, vec![1, 3, 2])].into()));
/// assert_eq!(verify_witness(&Kv, &history, &[Some(7), Some(8), Some(8)]), None);
/// # Ok::<(), squall_checkers::history::HistoryError>(())
/// ```
pub fn verify_witness<M: Model>(
    model: &M,
    history: &History<M::Input, M::Output>,
    positions: &[Option<u64>],
) -> Option<BTreeMap<M::Key, Vec<u64>>> {
    assert_eq!(history.operations().len(), positions.len(), "each operation has a position, or none");
    let mut is_complete = true;
    let placed = by_key(model, history, |place, operation| {
        let answered = operation.outcome != Outcome::Unknown && !Bug::WitnessLeavesOutAnswered.is_planted();
        is_complete &= !answered || positions[place].is_some();
        let is_last = model.is_read_only(call(operation)) != Bug::WitnessReadsFirst.is_planted();
        let place = (positions[place]?, is_last, operation.invoked_at);
        Some((place, operation))
    });
    let order = |mut placed: Vec<(Moment, &OperationOf<M>)>| {
        placed.sort_by_key(|(place, _)| *place);
        let mut ids = Vec::with_capacity(placed.len());
        let order = placed.into_iter().map(|(_, operation)| operation).inspect(|operation| ids.push(operation.id));
        replays(model, order).then_some(ids)
    };
    let orders = placed.into_iter().map(|(key, placed)| Some((key, order(placed)?)));
    if is_complete { orders.collect() } else { None }
}
