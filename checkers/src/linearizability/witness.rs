//! The order that a search found, and the proof that it is one.
//!
//! The proof knows nothing of the search's rules: it replays the order on the plain model
//! and against real time. So a wrong rule cannot make a history look right.
//! Not here: the search itself (`search`).

use super::partition::Op;
use crate::model::Model;

/// A step of the search, linked to the one before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Place of the step before it in the arena; the first one is its own.
    pub before: usize,
    /// The operation.
    pub operation: usize,
    /// Whether it took effect here. If not it became free here: this is its place unless
    /// it takes effect later.
    pub is_final: bool,
}

impl Step {
    /// The root of all ways; no operation.
    pub(super) const START: Self = Self { before: 0, operation: 0, is_final: false };

    /// The steps up to `node`, the root excepted.
    pub(super) fn path(steps: &[Self], mut node: usize) -> Vec<Self> {
        let mut path = Vec::new();
        while node != 0 {
            path.push(steps[node]);
            node = steps[node].before;
        }
        path.reverse();
        path
    }
}

/// The operations of a path in the order in which they take effect.
pub(super) fn order<M: Model>(ops: &[Op<'_, M>], path: &[Step]) -> Vec<usize> {
    let mut is_placed_later = vec![false; ops.len()];
    for step in path.iter().filter(|step| step.is_final) {
        is_placed_later[step.operation] = true;
    }
    let has_place = |step: &&Step| step.is_final || !is_placed_later[step.operation];
    path.iter().filter(has_place).map(|step| step.operation).collect()
}

/// Whether the order holds every answered operation once, none that returned before one
/// ahead of it was invoked, and gives each the answer it had.
pub(super) fn verify<M: Model>(model: &M, ops: &[Op<'_, M>], order: &[usize]) -> bool {
    let mut times = vec![0_u8; ops.len()];
    order.iter().for_each(|index| times[*index] = times[*index].saturating_add(1));
    let complete = ops.iter().zip(times).all(|(op, times)| times == 1 || (times == 0 && op.returned_at.is_none()));
    complete && respects_real_time(ops, order) && is_possible(model, ops, order)
}

fn respects_real_time<M: Model>(ops: &[Op<'_, M>], order: &[usize]) -> bool {
    let mut last_invocation = 0;
    order.iter().map(|index| &ops[*index]).all(|op| {
        last_invocation = op.invoked_at.max(last_invocation);
        op.returned_at.is_none_or(|returned_at| last_invocation <= returned_at)
    })
}

fn is_possible<M: Model>(model: &M, ops: &[Op<'_, M>], order: &[usize]) -> bool {
    let mut state = Some(model.init());
    for index in order {
        let call = ops[*index].call;
        state = state.and_then(|state| model.step(&state, call.input, call.output));
    }
    state.is_some()
}
