//! What the twin executes: each model's object once more, as plain as can be.
//!
//! They share nothing with the models but the types of operations. Not here: how the twin
//! goes through orders (`twin`).

mod append_list;
mod cas_register;
mod counter;
mod kv;
mod lock;
mod queue;
mod register;
mod set;

pub use append_list::AppendListObject;
pub use cas_register::CasRegisterObject;
pub use counter::CounterObject;
pub use kv::KvObject;
pub use lock::LockObject;
pub use queue::QueueObject;
pub use register::RegisterObject;
pub use set::SetObject;

use crate::generate::{KEYS, Random, bytes};
use crate::twin::OpOf;
use bytes::Bytes;
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::Model;
use std::fmt::Debug;

/// A sequential object under one of two keys. [`Default`] is its state before any operation.
pub trait Object {
    /// What it is asked.
    type Input: Clone + Debug;
    /// What it answers.
    type Output: Clone + Debug + PartialEq;
    /// What it remembers.
    type State: Clone + Ord + Default;

    /// Which of the two keys, 0 or 1.
    fn key(input: &Self::Input) -> usize;

    /// Adds every state that is possible after this answer, or after any if there is none.
    fn execute(state: &Self::State, input: &Self::Input, answer: Option<&Self::Output>, next: &mut Vec<Self::State>);
}

/// An object whose histories can be drawn.
pub trait Drawn: Object {
    /// The model that is to say the same.
    type Model: Model<Key = Bytes, Input = Self::Input, Output = Self::Output>;

    /// The model.
    fn model() -> Self::Model;

    /// Any operation on this key.
    fn input(random: &mut Random, key: Bytes) -> Self::Input;

    /// One that puts in nothing but this letter, for histories in which nothing is put in twice.
    /// `style` is the same for all operations of a history.
    fn input_with(random: &mut Random, key: Bytes, _letter: &'static str, _style: u64) -> Self::Input {
        Self::input(random, key)
    }

    /// An answer that is possible in this state.
    fn answer(random: &mut Random, state: &Self::State, input: &Self::Input) -> Self::Output;

    /// An answer that may be possible in some state.
    fn any_answer(random: &mut Random, input: &Self::Input) -> Self::Output;
}

/// Which of both keys this is.
pub fn place(key: &Bytes) -> usize {
    usize::from(key.as_ref() == KEYS[1].as_bytes())
}

/// A history of 2 to `max` operations on both keys: an order first, then what clients would
/// have seen of it, and in two of three histories some answers changed. All of up to
/// seven operations may overlap, of more at most four.
pub fn draw<O: Drawn>(random: &mut Random, max: u64) -> Vec<OpOf<O>> {
    draw_by::<O>(random, max, |random, _, key| O::input(random, key))
}

/// What is put in by each operation, if nothing is put in twice.
pub const LETTERS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// The same, but nothing is put in twice. At most ten operations.
pub fn draw_unique<O: Drawn>(random: &mut Random, max: u64) -> Vec<OpOf<O>> {
    let style = random.0 >> 7;
    let letter = |id: u64| LETTERS[usize::try_from(id).expect("there are few operations")];
    draw_by::<O>(random, max, |random, id, key| O::input_with(random, key, letter(id), style))
}

fn draw_by<O: Drawn>(random: &mut Random, max: u64, input: impl Fn(&mut Random, u64, Bytes) -> O::Input) -> Vec<OpOf<O>> {
    let count = 2 + random.below(max - 1);
    let clients = if count <= 7 { 7 } else { 4 };
    let span = random.pick(&[3, 2 * count, 4 * count]);
    let mut free_at = [0; 7];
    let one = |id| draw_one::<O>(random, id, span, &mut free_at[index(id % clients)], &input);
    let mut drawn: Vec<_> = (0..count).map(one).collect();
    drawn.sort_by_key(|(point, operation)| (*point, operation.id));
    let mut states: [O::State; 2] = Default::default();
    for (point, operation) in &mut drawn {
        if operation.outcome == Outcome::Fail || *point == u64::MAX {
            continue;
        }
        let key = O::key(&operation.input);
        let answer = O::answer(random, &states[key], &operation.input);
        let mut next = Vec::new();
        O::execute(&states[key], &operation.input, Some(&answer), &mut next);
        assert!(!next.is_empty(), "no answer to {:?} is {answer:?}", operation.input);
        states[key] = next.swap_remove(0);
        if let Outcome::Ok(output) = &mut operation.outcome {
            *output = answer;
        }
    }
    let mut operations: Vec<_> = drawn.into_iter().map(|(_, operation)| operation).collect();
    for _ in 0..random.pick(&[0, 2, 3]) {
        let operation = &mut operations[index(random.below(count))];
        if let Outcome::Ok(output) = &mut operation.outcome {
            *output = O::any_answer(random, &operation.input);
        }
    }
    operations
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("an index fits")
}

/// The operation of a client that is free from this moment, and when it takes effect; `u64::MAX`
/// if never. The answer comes later.
fn draw_one<O: Drawn>(
    random: &mut Random,
    id: u64,
    span: u64,
    free_at: &mut u64,
    input: impl Fn(&mut Random, u64, Bytes) -> O::Input,
) -> (u64, OpOf<O>) {
    let invoked_at = *free_at + random.below(span);
    let duration = random.below(span);
    *free_at = invoked_at + duration;
    let key = bytes(random.pick(&[KEYS[0], KEYS[0], KEYS[0], KEYS[1]]));
    let input = input(random, id, key);
    let (outcome, point) = match random.below(20) {
        0 => (Outcome::Fail, u64::MAX),
        1..5 => (Outcome::Unknown, random.pick(&[invoked_at + random.0 % (2 * span), u64::MAX])),
        _ => (Outcome::Ok(O::any_answer(random, &input)), invoked_at + random.below(duration + 1)),
    };
    (point, Operation { id, client: id, input, outcome, invoked_at, returned_at: *free_at })
}
