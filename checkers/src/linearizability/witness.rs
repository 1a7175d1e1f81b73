//! The proof that an order is one.
//!
//! It knows nothing of the rules by which orders are found: it replays the order on the plain
//! model and against real time. So a wrong rule cannot make a history look right.
//! Not here: the searches.

use super::partition::{NEVER, Op};
use crate::model::Model;

/// Whether the order holds every answered operation once, none that returned before one
/// ahead of it was invoked, and gives each the answer it had.
pub(super) fn verify<M: Model>(model: &M, ops: &[Op<'_, M>], order: &[u32]) -> bool {
    let mut times = vec![0_u8; ops.len()];
    order.iter().for_each(|index| times[*index as usize] = times[*index as usize].saturating_add(1));
    let complete = ops.iter().zip(times).all(|(op, times)| times == 1 || (times == 0 && op.returned == NEVER));
    complete && respects_real_time(ops, order) && is_possible(model, ops, order)
}

fn respects_real_time<M: Model>(ops: &[Op<'_, M>], order: &[u32]) -> bool {
    let mut last_invocation = 0;
    order.iter().map(|index| &ops[*index as usize]).all(|op| {
        last_invocation = op.operation.invoked_at.max(last_invocation);
        op.returned == NEVER || last_invocation <= op.operation.returned_at
    })
}

fn is_possible<M: Model>(model: &M, ops: &[Op<'_, M>], order: &[u32]) -> bool {
    let mut state = model.init();
    for index in order {
        let call = ops[*index as usize].call();
        let Some(next) = model.step(&state, call.input, call.output) else { return false };
        state = next;
    }
    true
}
