//! A counter is a sum.

use super::{Drawn, Object, place};
use crate::generate::Random;
use bytes::Bytes;
use squall_checkers::model::counter::{Action, Counter, Input, Output};

pub struct CounterObject;

fn after(state: i64, input: &Input) -> i64 {
    match input.action {
        Action::Read => state,
        Action::Add { amount } => state + amount,
    }
}

impl Object for CounterObject {
    type Input = Input;
    type Output = Output;
    type State = i64;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &i64, input: &Input, answer: Option<&Output>, next: &mut Vec<i64>) {
        let after = after(*state, input);
        let is_right = match answer {
            None => true,
            Some(Output::Sum(sum)) => *sum == after,
            Some(Output::Done) => input.action != Action::Read,
        };
        next.extend(is_right.then_some(after));
    }
}

impl Drawn for CounterObject {
    type Model = Counter;

    fn model() -> Counter {
        Counter
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let amount = random.pick(&[1, 2, -1]);
        Input { key, action: random.pick(&[None, Some(())]).map_or(Action::Read, |()| Action::Add { amount }) }
    }

    fn answer(random: &mut Random, state: &i64, input: &Input) -> Output {
        if input.action != Action::Read && random.below(2) == 0 { Output::Done } else { Output::Sum(after(*state, input)) }
    }

    fn any_answer(random: &mut Random, _: &Input) -> Output {
        Output::Sum(random.pick(&[-1, 0, 1, 2, 3]))
    }
}
