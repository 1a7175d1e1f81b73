//! A set as one flag for each of five elements.

use super::{Drawn, LETTERS, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::set::{Action, Input, Output, Set};

pub struct SetObject;

const ELEMENTS: [&str; 5] = ["a", "b", "c", "d", "e"];

type State = [bool; ELEMENTS.len()];

fn index(element: &Bytes) -> usize {
    ELEMENTS.iter().position(|known| known.as_bytes() == element.as_ref()).expect("one of five")
}

fn all(state: State) -> Output {
    Output::Elements(ELEMENTS.iter().zip(state).filter(|(_, is_there)| *is_there).map(|(element, _)| bytes(element)).collect())
}

/// The state after it, and all right answers.
fn run(state: State, input: &Input) -> (State, Vec<Output>) {
    let mut after = state;
    let answers = match &input.action {
        Action::Add { element } => {
            after[index(element)] = true;
            vec![Output::Done, Output::Changed(!state[index(element)])]
        }
        Action::Remove { element } => {
            after[index(element)] = false;
            vec![Output::Done, Output::Changed(state[index(element)])]
        }
        Action::Contains { element } => vec![Output::Contains(state[index(element)])],
        Action::Read => vec![all(state)],
    };
    (after, answers)
}

impl Object for SetObject {
    type Input = Input;
    type Output = Output;
    type State = State;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &State, input: &Input, answer: Option<&Output>, next: &mut Vec<State>) {
        let (after, right) = run(*state, input);
        if answer.is_none_or(|answer| right.contains(answer)) {
            next.push(after);
        }
    }
}

impl Drawn for SetObject {
    type Model = Set;

    fn model() -> Set {
        Set
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let element = bytes(random.pick(&ELEMENTS[..3]));
        let action = match random.below(4) {
            0 => Action::Add { element },
            1 => Action::Remove { element },
            2 => Action::Contains { element },
            _ => Action::Read,
        };
        Input { key, action }
    }

    /// Every other operation adds an element of its own; in half of the histories nothing is
    /// removed, in the others mostly nobody reads all.
    fn input_with(random: &mut Random, key: Bytes, letter: &'static str, style: u64) -> Input {
        let place = LETTERS.iter().position(|known| *known == letter).expect("it is a letter");
        let element = bytes(ELEMENTS[place / 2]);
        let other = bytes(random.pick(&ELEMENTS[..3]));
        let action = match (place % 2, style % 2, random.below(16)) {
            (0, _, 0..14) => Action::Add { element },
            (_, 0, 0..8) | (_, 1, 0) => Action::Read,
            (_, 1, 1..9) => Action::Remove { element: other },
            _ => Action::Contains { element: other },
        };
        Input { key, action }
    }

    fn answer(random: &mut Random, state: &State, input: &Input) -> Output {
        let (_, mut right) = run(*state, input);
        let chosen = usize::try_from(random.below(right.len() as u64)).expect("an index fits");
        right.swap_remove(chosen)
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        let flag = random.below(2) == 0;
        match input.action {
            Action::Add { .. } | Action::Remove { .. } => Output::Changed(flag),
            Action::Contains { .. } => Output::Contains(flag),
            Action::Read => all([flag, random.below(2) == 0, random.below(2) == 0, false, false]),
        }
    }
}
