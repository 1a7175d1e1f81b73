//! Orders that somebody claims, and the proof that one is.
//!
//! It knows nothing of the rules by which orders are found: it replays the order on the plain
//! model and against real time. So a wrong rule cannot make a history look right.
//! Not here: the searches.

use super::keys::Keys;
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
fn replays<'a, M: Model + 'a>(model: &M, mut order: impl Iterator<Item = &'a OperationOf<M>>) -> bool {
    let mut object = Replayed::new(model);
    order.all(|operation| object.takes(model, operation))
}

/// One object while an order is replayed on it.
struct Replayed<M: Model> {
    /// `None` after an operation that could not be.
    state: Option<M::State>,
    last_invocation: u64,
    /// The ids of what it took.
    order: Vec<u64>,
}

impl<M: Model> Replayed<M> {
    fn new(model: &M) -> Self {
        Self { state: Some(model.init()), last_invocation: 0, order: Vec::new() }
    }

    /// Whether the operation may come next.
    fn takes(&mut self, model: &M, operation: &OperationOf<M>) -> bool {
        self.last_invocation = operation.invoked_at.max(self.last_invocation);
        let is_free = operation.outcome == Outcome::Unknown || Bug::WitnessIgnoresTime.is_planted();
        let returns_in_time = is_free || self.last_invocation <= operation.returned_at;
        let state = self.state.take().filter(|_| returns_in_time);
        self.state = state.and_then(|state| model.advance(state, &operation.input, operation.outcome.output()));
        self.state.is_some()
    }
}

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
    let operations = history.operations();
    // Operations are large and many: places are sorted, and each operation is looked at when its turn comes.
    let mut placed: Vec<(u64, u32)> = (0..).zip(positions).filter_map(|(place, at)| Some(((*at)?, place))).collect();
    sort_nearly_sorted(&mut placed);
    let mut replay = Replay { model, keys: Keys::default(), objects: Vec::new() };
    let mut ties = Vec::new();
    for at_once in placed.chunk_by(|(at, _), (next, _)| at == next) {
        if let [(_, place)] = at_once {
            replay.take(&operations[*place as usize])?;
            continue;
        }
        ties.extend(at_once.iter().map(|(_, place)| &operations[*place as usize]));
        let is_last = |operation: &OperationOf<M>| model.is_read_only(call(operation)) != Bug::WitnessReadsFirst.is_planted();
        ties.sort_by_key(|operation| (is_last(operation), operation.invoked_at));
        ties.drain(..).try_for_each(|operation| replay.take(operation))?;
    }
    let left_out = operations.iter().zip(positions).filter(|(_, at)| at.is_none());
    left_out.map(|(operation, _)| operation).try_for_each(|operation| replay.leave_out(operation))?;
    Some(replay.orders())
}

/// The objects of a history while a witness is replayed.
struct Replay<'m, M: Model> {
    model: &'m M,
    keys: Keys<M::Key>,
    objects: Vec<Replayed<M>>,
}

impl<M: Model> Replay<'_, M> {
    /// `None` if the operation cannot come next. One that surely failed is not there.
    fn take(&mut self, operation: &OperationOf<M>) -> Option<()> {
        if operation.outcome == Outcome::Fail {
            return Some(());
        }
        let model = self.model;
        let object = self.object(operation);
        object.order.push(operation.id);
        object.takes(model, operation).then_some(())
    }

    /// `None` if the operation was answered, so that it had an effect.
    fn leave_out(&mut self, operation: &OperationOf<M>) -> Option<()> {
        match operation.outcome {
            Outcome::Fail => {}
            Outcome::Ok(_) if !Bug::WitnessLeavesOutAnswered.is_planted() => return None,
            // An object on which nothing had an effect has an order, too.
            Outcome::Ok(_) | Outcome::Unknown => {
                self.object(operation);
            }
        }
        Some(())
    }

    fn object(&mut self, operation: &OperationOf<M>) -> &mut Replayed<M> {
        let number = self.keys.number(self.model.partition_key(&operation.input));
        if number == self.objects.len() {
            self.objects.push(Replayed::new(self.model));
        }
        &mut self.objects[number]
    }

    fn orders(self) -> BTreeMap<M::Key, Vec<u64>> {
        let orders = self.objects.into_iter().map(|object| object.order);
        self.keys.into_vec().into_iter().zip(orders).collect()
    }
}

/// Sorts what was recorded in nearly this order: nothing has far to go.
fn sort_nearly_sorted(placed: &mut [(u64, u32)]) {
    /// Moves per item after which the general way is taken.
    const MOVES: usize = 16;
    let mut moves = placed.len() * MOVES;
    for end in 1..placed.len() {
        let item = placed[end];
        let mut at = end;
        while at > 0 && placed[at - 1] > item {
            placed[at] = placed[at - 1];
            at -= 1;
        }
        placed[at] = item;
        match moves.checked_sub(end - at) {
            Some(left) => moves = left,
            None => return placed.sort_unstable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorted, nearly sorted, with ties, and so far from it that the general way is taken.
    #[test]
    fn sorts_whatever_comes() {
        let orders: [fn(u32) -> u32; 4] = [|at| at, |at| at ^ 5, |at| at / 3, |at| at.wrapping_mul(0x9e37_79b9)];
        for order in orders {
            let mut placed: Vec<(u64, u32)> = (0..1_000).map(|at| (order(at).into(), at)).collect();
            let mut sorted = placed.clone();
            sorted.sort_unstable();
            sort_nearly_sorted(&mut placed);
            assert_eq!(placed, sorted);
        }
    }
}
