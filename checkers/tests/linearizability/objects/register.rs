//! A register is its last value.

use super::{Drawn, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::register::{Action, Input, Output, Register};

pub struct RegisterObject;

const VALUES: [&str; 2] = ["a", "b"];

impl Object for RegisterObject {
    type Input = Input;
    type Output = Output;
    type State = Option<Bytes>;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &Option<Bytes>, input: &Input, answer: Option<&Output>, next: &mut Vec<Option<Bytes>>) {
        let (after, right) = match &input.action {
            Action::Read => (state.clone(), Output::Value(state.clone())),
            Action::Write { value } => (Some(value.clone()), Output::Done),
        };
        if answer.is_none_or(|answer| *answer == right) {
            next.push(after);
        }
    }
}

impl Drawn for RegisterObject {
    type Model = Register;

    fn model() -> Register {
        Register::default()
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let action = if random.below(2) == 0 { Action::Read } else { Action::Write { value: bytes(random.pick(&VALUES)) } };
        Input { key, action }
    }

    fn answer(_: &mut Random, state: &Option<Bytes>, input: &Input) -> Output {
        if input.action == Action::Read { Output::Value(state.clone()) } else { Output::Done }
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Read => Output::Value(random.pick(&[None, Some("a"), Some("b")]).map(bytes)),
            Action::Write { .. } => Output::Done,
        }
    }
}
