//! A queue as a number, one hexadecimal digit for each value, the oldest last.

use super::{Drawn, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::queue::{Action, Input, Output, Queue};

pub struct QueueObject;

fn run(state: u64, input: &Input) -> (u64, Output) {
    match &input.action {
        Action::Enqueue { value } => (state | digit(value) << (4 * length(state)), Output::Done),
        Action::Dequeue if state == 0 => (0, Output::Dequeued(None)),
        Action::Dequeue => (state >> 4, Output::Dequeued(Some(Bytes::from(vec![b'a' - 1 + state.to_le_bytes()[0] % 16])))),
    }
}

fn length(state: u64) -> u32 {
    (u64::BITS - state.leading_zeros()).div_ceil(4)
}

fn digit(value: &Bytes) -> u64 {
    assert!(matches!(value[..], [b'a'..=b'o']), "the twin is for fifteen letters");
    u64::from(value[0] - b'a' + 1)
}

impl Object for QueueObject {
    type Input = Input;
    type Output = Output;
    type State = u64;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &u64, input: &Input, answer: Option<&Output>, next: &mut Vec<u64>) {
        let (after, right) = run(*state, input);
        if answer.is_none_or(|answer| *answer == right) {
            next.push(after);
        }
    }
}

impl Drawn for QueueObject {
    type Model = Queue;

    fn model() -> Queue {
        Queue
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let value = bytes(random.pick(&["a", "b", "c"]));
        Input { key, action: random.pick(&[None, Some(())]).map_or(Action::Dequeue, |()| Action::Enqueue { value }) }
    }

    /// In one of four histories nothing is in the queue for long.
    fn input_with(random: &mut Random, key: Bytes, letter: &'static str, style: u64) -> Input {
        let enqueues = if style.is_multiple_of(4) { 2 } else { 3 };
        let value = bytes(letter);
        Input { key, action: if random.below(5) < enqueues { Action::Enqueue { value } } else { Action::Dequeue } }
    }

    fn answer(_: &mut Random, state: &u64, input: &Input) -> Output {
        run(*state, input).1
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Dequeue => Output::Dequeued(random.pick(&[None, Some("a"), Some("b"), Some("c"), Some("d")]).map(bytes)),
            Action::Enqueue { .. } => Output::Done,
        }
    }
}
