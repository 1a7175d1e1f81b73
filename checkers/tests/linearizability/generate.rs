//! Histories drawn from a seed: an order first, then what clients would have seen of it.
//!
//! Most small ones get one answer changed afterwards, so that both verdicts are frequent.

use crate::Op;
use bytes::Bytes;
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::kv::{Input, Output};
use std::collections::BTreeMap;

/// SplitMix64; enough for tests, and the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end - 1`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len() as u64);
        from[usize::try_from(index).expect("an index fits")]
    }
}

/// A plain sequential store, for the answers of generated histories.
#[derive(Default)]
pub struct Store(BTreeMap<Bytes, Bytes>);

impl Store {
    pub fn get(&self, key: &Bytes) -> Option<Bytes> {
        self.0.get(key).cloned()
    }

    pub fn execute(&mut self, input: &Input) -> Output {
        match input.clone() {
            Input::Get { key } => Output::Value(self.get(&key)),
            Input::Put { key, value } => {
                self.0.insert(key, value);
                Output::Done
            }
            Input::Append { key, value } => {
                let whole = [self.get(&key).unwrap_or_default(), value].concat();
                self.0.insert(key, whole.into());
                Output::Done
            }
            Input::Cas { key, expected, value } => {
                let matches = self.get(&key) == expected;
                if matches {
                    self.0.insert(key, value);
                }
                Output::Changed(matches)
            }
            Input::Delete { key } => Output::Changed(self.0.remove(&key).is_some()),
        }
    }
}

/// Both keys of small histories.
pub const KEYS: [&str; 2] = ["x", "y"];

/// Values of the other half of the histories.
const VALUES: [&str; 4] = ["a", "b", "a", ""];
const SEEN: [Option<&str>; 7] = [None, Some(""), Some("a"), Some("b"), Some("aa"), Some("ab"), Some("ba")];

pub fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// What is written by each operation, if all of it must differ.
const LETTERS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// What small histories are made of, in shares of get, put, append, compare-and-set and delete: of
/// everything; of writes; of what changes a value that hardly anybody sees.
const MIXES: [[u64; 5]; 4] = [[4, 3, 2, 2, 1], [4, 3, 2, 2, 1], [4, 5, 5, 1, 0], [1, 4, 1, 3, 3]];

/// An input that writes `letter`, if there is one, or one of few values.
fn small_input(random: &mut Random, mix: &[u64; 5], letter: Option<usize>) -> Input {
    let key = bytes(random.pick(&KEYS));
    let value = bytes(letter.map_or_else(|| random.pick(&VALUES), |letter| LETTERS[letter]));
    let expected = match letter {
        Some(letter) if random.below(4) != 0 => Some(bytes(LETTERS[index_below(random, letter + 1)])),
        _ => random.pick(&SEEN).map(bytes),
    };
    match pick_share(random, mix) {
        0 => Input::Get { key },
        1 => Input::Put { key, value },
        2 => Input::Append { key, value },
        3 => Input::Cas { key, expected, value },
        _ => Input::Delete { key },
    }
}

/// The place of a share, drawn by size.
fn pick_share(random: &mut Random, mix: &[u64; 5]) -> usize {
    let mut share = random.below(mix.iter().sum());
    let is_it = |size: &u64| match share.checked_sub(*size) {
        Some(rest) => {
            share = rest;
            false
        }
        None => true,
    };
    mix.iter().position(is_it).expect("a share is less than all")
}

/// A history of 4 to 10 operations on two keys. In half of them all written values differ.
pub fn small(random: &mut Random) -> Vec<Op> {
    let count = 4 + random.below(7);
    let span = random.pick(&[3, 2 * count, 4 * count]);
    let is_unique = random.below(2) == 0;
    let mix = random.pick(&MIXES);
    let mut drawn: Vec<_> = (0..count).map(|id| small_operation(random, id, span, &mix, is_unique)).collect();
    drawn.sort_by_key(|(point, operation)| (*point, operation.id));
    let mut store = Store::default();
    for (point, operation) in &mut drawn {
        let has_effect = operation.outcome != Outcome::Fail && *point != u64::MAX;
        let answer = has_effect.then(|| store.execute(&operation.input));
        if let (Outcome::Ok(output), Some(answer)) = (&mut operation.outcome, answer) {
            *output = answer;
        }
    }
    let mut operations: Vec<_> = drawn.into_iter().map(|(_, operation)| operation).collect();
    if random.below(3) != 0 {
        change_an_answer(random, &mut operations);
    }
    operations
}

/// The operation, and when it takes effect; `u64::MAX` if never. The answer comes later.
fn small_operation(random: &mut Random, id: u64, span: u64, mix: &[u64; 5], is_unique: bool) -> (u64, Op) {
    let invoked_at = random.below(span);
    let duration = random.below(span);
    let (outcome, point) = match random.below(20) {
        0 => (Outcome::Fail, u64::MAX),
        1..5 => (Outcome::Unknown, random.pick(&[invoked_at + random.0 % (2 * span), u64::MAX])),
        _ => (Outcome::Ok(Output::Done), invoked_at + random.below(duration + 1)),
    };
    let letter = is_unique.then(|| usize::try_from(id).expect("there are few operations"));
    let input = small_input(random, mix, letter);
    (point, Operation { id, client: id, input, outcome, invoked_at, returned_at: invoked_at + duration })
}

fn index_below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).expect("an index fits")
}

/// Reads see what others saw, or something that nobody wrote; other answers are turned around.
fn change_an_answer(random: &mut Random, operations: &mut [Op]) {
    let [index, other] = [0; 2].map(|_| index_below(random, operations.len()));
    let seen = match &operations[other].outcome {
        Outcome::Ok(Output::Value(seen)) => seen.clone(),
        _ => random.pick(&SEEN).map(bytes),
    };
    let operation = &mut operations[index];
    if let Outcome::Ok(output) = &mut operation.outcome {
        match output {
            Output::Done => operation.outcome = Outcome::Fail,
            Output::Value(value) => *value = seen,
            Output::Changed(changed) => *changed = !*changed,
        }
    }
}
