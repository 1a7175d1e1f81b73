//! Linearizability by brute force: every subset of operations, every state after it.
//!
//! Written for small histories and to be obviously right. It shares no code and no idea
//! with the checker: all keys at once, no events, no rule that prunes.

use crate::Op;
use bytes::Bytes;
use squall_checkers::history::Outcome;
use squall_checkers::model::kv::{Input, Output};

/// A value: 0 if absent, else its bytes behind a leading 1.
type Packed = u128;

/// The values of both keys.
type State = [Packed; 2];

/// Reusable memory: for each subset the states that are possible after it.
#[derive(Default)]
pub struct Twin {
    after: Vec<Vec<State>>,
}

impl Twin {
    /// Whether the operations, on keys `x` and `y`, have an order that explains them.
    pub fn is_linearizable(&mut self, operations: &[Op]) -> bool {
        let ops: Vec<&Op> = operations.iter().filter(|op| op.outcome != Outcome::Fail).collect();
        let before: Vec<usize> = ops.iter().map(|op| predecessors(&ops, op)).collect();
        let subsets = 1 << ops.len();
        self.after.resize_with(subsets.max(self.after.len()), Vec::new);
        self.after[..subsets].iter_mut().for_each(Vec::clear);
        self.after[0].push([0, 0]);
        for subset in 0..subsets {
            let mut states = std::mem::take(&mut self.after[subset]);
            states.sort_unstable();
            states.dedup();
            for (index, op) in ops.iter().enumerate() {
                let bit = 1 << index;
                if subset & bit == 0 && before[index] & !subset == 0 {
                    self.after[subset | bit].extend(states.iter().flat_map(|state| results(op, *state)).flatten());
                }
            }
            self.after[subset] = states;
        }
        !self.after[subsets - 1].is_empty()
    }
}

/// Those that returned before it was invoked, as a set of bits.
fn predecessors(ops: &[&Op], later: &Op) -> usize {
    let precedes = |op: &Op| op.outcome != Outcome::Unknown && op.returned_at < later.invoked_at;
    ops.iter().enumerate().map(|(index, op)| usize::from(precedes(op)) << index).sum()
}

/// With an answer: the state after it, if it is the answer. Without: with and without effect.
fn results(op: &Op, state: State) -> [Option<State>; 2] {
    let (after, answer) = execute(&op.input, state);
    match &op.outcome {
        Outcome::Ok(output) => [(answer == *output).then_some(after), None],
        Outcome::Unknown => [Some(state), Some(after)],
        Outcome::Fail => [Some(state), None],
    }
}

fn execute(input: &Input, mut state: State) -> (State, Output) {
    let key = match input {
        Input::Get { key }
        | Input::Put { key, .. }
        | Input::Append { key, .. }
        | Input::Cas { key, .. }
        | Input::Delete { key } => usize::from(key.as_ref() == b"y"),
    };
    let old = state[key];
    let (new, answer) = match input {
        Input::Get { .. } => (old, Output::Value(unpack(old))),
        Input::Put { value, .. } => (pack(1, value), Output::Done),
        Input::Append { value, .. } => (pack(old.max(1), value), Output::Done),
        Input::Cas { expected, value, .. } => {
            let matches = old == expected.as_ref().map_or(0, |expected| pack(1, expected));
            (if matches { pack(1, value) } else { old }, Output::Changed(matches))
        }
        Input::Delete { .. } => (0, Output::Changed(old != 0)),
    };
    state[key] = new;
    (state, answer)
}

fn pack(start: Packed, bytes: &[u8]) -> Packed {
    bytes.iter().fold(start, |packed, byte| {
        assert!(packed >> 120 == 0, "the twin is for values of up to 15 bytes");
        packed << 8 | Packed::from(*byte)
    })
}

fn unpack(packed: Packed) -> Option<Bytes> {
    let bits = packed.checked_ilog2()?;
    let bytes = packed.to_be_bytes();
    Some(Bytes::copy_from_slice(&bytes[bytes.len() - bits as usize / 8..]))
}

#[test]
fn values_survive_packing() {
    for value in [&b""[..], b"a", b"\0", b"\0\xff", b"123456789012345"] {
        assert_eq!(unpack(pack(1, value)).as_deref(), Some(value));
    }
    assert_eq!(unpack(0), None);
}
