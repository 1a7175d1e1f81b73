//! A lock whose every token is a number: where one is not told, each that is possible is tried.

use super::{Drawn, Object, place};
use crate::generate::Random;
use bytes::Bytes;
use squall_checkers::model::lock::{Action, Input, Lock, Output};

pub struct LockObject;

/// Tokens from here on are never told, so of those no history can see more than that they grow.
const TOLD: u64 = 6;

/// As many more as the operations of a small history can take.
const TOKENS: u64 = TOLD + 10;

/// Who holds it, and the least token that can come next.
type State = (Option<u64>, u64);

impl Object for LockObject {
    type Input = Input;
    type Output = Output;
    type State = State;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(&(holder, least): &State, input: &Input, answer: Option<&Output>, next: &mut Vec<State>) {
        let is_meant = |token: Option<u64>| holder.is_some() && (token.is_none() || token == holder);
        match (&input.action, answer) {
            (Action::Acquire, Some(Output::Acquired(Some(token)))) if holder.is_none() && *token >= least => {
                next.push((Some(*token), token + 1));
            }
            (Action::Acquire, None | Some(Output::Acquired(None))) if holder.is_none() => {
                next.extend((least..TOKENS).map(|token| (Some(token), token + 1)));
            }
            (Action::Acquire, None | Some(Output::Busy)) if holder.is_some() => next.push((holder, least)),
            (Action::Release { token }, None | Some(Output::Released)) if is_meant(*token) => next.push((None, least)),
            (Action::Release { token }, None | Some(Output::NotHeld)) if !is_meant(*token) => next.push((holder, least)),
            _ => {}
        }
    }
}

impl Drawn for LockObject {
    type Model = Lock;

    fn model() -> Lock {
        Lock
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let token = random.pick(&[None, Some(0), Some(0), Some(1), Some(1), Some(2)]);
        Input { key, action: random.pick(&[None, Some(())]).map_or(Action::Acquire, |()| Action::Release { token }) }
    }

    fn answer(random: &mut Random, &(holder, least): &State, input: &Input) -> Output {
        match input.action {
            Action::Acquire if holder.is_some() => Output::Busy,
            Action::Acquire => {
                let token = random.pick(&[None, Some(least), Some(least), Some(least + 1)]);
                Output::Acquired(token.filter(|token| *token < TOLD))
            }
            Action::Release { token } if holder.is_some() && (token.is_none() || token == holder) => Output::Released,
            Action::Release { .. } => Output::NotHeld,
        }
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Acquire if random.below(4) == 0 => Output::Busy,
            Action::Acquire => Output::Acquired(random.pick(&[None, Some(0), Some(1), Some(2)])),
            Action::Release { .. } => random.pick(&[None, Some(())]).map_or(Output::NotHeld, |()| Output::Released),
        }
    }
}
