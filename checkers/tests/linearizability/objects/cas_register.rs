//! A register is its last value, and a compare-and-set is a look and then maybe a write.

use super::{Drawn, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::cas_register::{Action, CasRegister, Input, Output};

pub struct CasRegisterObject;

const VALUES: [&str; 2] = ["a", "b"];
const SEEN: [Option<&str>; 3] = [None, Some("a"), Some("b")];

fn run(state: &Option<Bytes>, input: &Input) -> (Option<Bytes>, Output) {
    match &input.action {
        Action::Read => (state.clone(), Output::Value(state.clone())),
        Action::Write { value } => (Some(value.clone()), Output::Done),
        Action::Cas { expected, value } if state == expected => (Some(value.clone()), Output::Changed(true)),
        Action::Cas { .. } => (state.clone(), Output::Changed(false)),
    }
}

impl Object for CasRegisterObject {
    type Input = Input;
    type Output = Output;
    type State = Option<Bytes>;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &Option<Bytes>, input: &Input, answer: Option<&Output>, next: &mut Vec<Option<Bytes>>) {
        let (after, right) = run(state, input);
        if answer.is_none_or(|answer| *answer == right) {
            next.push(after);
        }
    }
}

impl Drawn for CasRegisterObject {
    type Model = CasRegister;

    fn model() -> CasRegister {
        CasRegister::default()
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let value = bytes(random.pick(&VALUES));
        let action = match random.below(3) {
            0 => Action::Read,
            1 => Action::Write { value },
            _ => Action::Cas { expected: random.pick(&SEEN).map(bytes), value },
        };
        Input { key, action }
    }

    fn answer(_: &mut Random, state: &Option<Bytes>, input: &Input) -> Output {
        run(state, input).1
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Read => Output::Value(random.pick(&SEEN).map(bytes)),
            Action::Write { .. } => Output::Done,
            Action::Cas { .. } => Output::Changed(random.below(2) == 0),
        }
    }
}
