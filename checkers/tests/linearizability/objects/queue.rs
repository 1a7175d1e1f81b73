//! A queue as a string, one byte for each value.

use super::{Drawn, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::queue::{Action, Input, Output, Queue};

pub struct QueueObject;

fn run(state: &str, input: &Input) -> (String, Output) {
    match &input.action {
        Action::Enqueue { value } => (format!("{state}{}", value.escape_ascii()), Output::Done),
        Action::Dequeue if state.is_empty() => (String::new(), Output::Dequeued(None)),
        Action::Dequeue => (state[1..].to_owned(), Output::Dequeued(Some(bytes(&state[..1])))),
    }
}

impl Object for QueueObject {
    type Input = Input;
    type Output = Output;
    type State = String;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &String, input: &Input, answer: Option<&Output>, next: &mut Vec<String>) {
        let (after, right) = run(state, input);
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

    fn answer(_: &mut Random, state: &String, input: &Input) -> Output {
        run(state, input).1
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Dequeue => Output::Dequeued(random.pick(&[None, Some("a"), Some("b"), Some("c")]).map(bytes)),
            Action::Enqueue { .. } => Output::Done,
        }
    }
}
