//! Linearizability by brute force: every subset of operations, every state after it.
//!
//! Written for small histories and to be obviously right. It shares no code and no idea
//! with the checker: all keys at once, no events, no rule that prunes.
//! Not here: what the objects do (`objects`).

use crate::objects::Object;
use squall_checkers::history::{Operation, Outcome};

/// An operation on an object.
pub type OpOf<O> = Operation<<O as Object>::Input, <O as Object>::Output>;

/// The states of the objects under both keys.
type States<O> = [<O as Object>::State; 2];

/// Reusable memory: for each subset the states that are possible after it.
pub struct Twin<O: Object> {
    after: Vec<Vec<States<O>>>,
    /// The states of one object; kept for its space.
    next: Vec<O::State>,
}

impl<O: Object> Default for Twin<O> {
    fn default() -> Self {
        Self { after: Vec::new(), next: Vec::new() }
    }
}

impl<O: Object> Twin<O> {
    /// Whether the operations, on two keys, have an order that explains them.
    pub fn is_linearizable(&mut self, operations: &[OpOf<O>]) -> bool {
        let ops: Vec<&OpOf<O>> = operations.iter().filter(|op| op.outcome != Outcome::Fail).collect();
        let before: Vec<usize> = ops.iter().map(|op| predecessors::<O>(&ops, op)).collect();
        let subsets = 1 << ops.len();
        self.after.resize_with(subsets.max(self.after.len()), Vec::new);
        self.after[..subsets].iter_mut().for_each(Vec::clear);
        self.after[0].push(Default::default());
        for subset in 0..subsets {
            let mut states = std::mem::take(&mut self.after[subset]);
            states.sort_unstable();
            states.dedup();
            for (index, op) in ops.iter().enumerate() {
                let bit = 1 << index;
                if subset & bit == 0 && before[index] & !subset == 0 {
                    states.iter().for_each(|state| self.add_results(subset | bit, op, state));
                }
            }
            self.after[subset] = states;
        }
        !self.after[subsets - 1].is_empty()
    }

    /// With an answer: the states after it. Without: those with effect, and the one without.
    fn add_results(&mut self, subset: usize, op: &OpOf<O>, states: &States<O>) {
        if op.outcome == Outcome::Unknown {
            self.after[subset].push(states.clone());
        }
        let key = O::key(&op.input);
        O::execute(&states[key], &op.input, op.outcome.output(), &mut self.next);
        for next in self.next.drain(..) {
            let mut states = states.clone();
            states[key] = next;
            self.after[subset].push(states);
        }
    }
}

/// Those that returned before it was invoked, as a set of bits.
fn predecessors<O: Object>(ops: &[&OpOf<O>], later: &OpOf<O>) -> usize {
    let precedes = |op: &OpOf<O>| op.outcome != Outcome::Unknown && op.returned_at < later.invoked_at;
    ops.iter().enumerate().map(|(index, op)| usize::from(precedes(op)) << index).sum()
}
