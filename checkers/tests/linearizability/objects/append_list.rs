//! A list as a string, one byte for each element.

use super::{Drawn, Object, place};
use crate::generate::{Random, bytes};
use bytes::Bytes;
use squall_checkers::model::append_list::{Action, AppendList, Input, Output};

pub struct AppendListObject;

fn elements(list: &str) -> Output {
    Output::Elements(list.chars().map(|element| bytes(&element.to_string())).collect())
}

impl Object for AppendListObject {
    type Input = Input;
    type Output = Output;
    type State = String;

    fn key(input: &Input) -> usize {
        place(&input.key)
    }

    fn execute(state: &String, input: &Input, answer: Option<&Output>, next: &mut Vec<String>) {
        let (after, right) = match &input.action {
            Action::Read => (state.clone(), elements(state)),
            Action::Append { element } => (format!("{state}{}", element.escape_ascii()), Output::Done),
        };
        if answer.is_none_or(|answer| *answer == right) {
            next.push(after);
        }
    }
}

impl Drawn for AppendListObject {
    type Model = AppendList;

    fn model() -> AppendList {
        AppendList
    }

    fn input(random: &mut Random, key: Bytes) -> Input {
        let element = bytes(random.pick(&["a", "b", "c"]));
        Input { key, action: random.pick(&[None, Some(())]).map_or(Action::Read, |()| Action::Append { element }) }
    }

    fn answer(_: &mut Random, state: &String, input: &Input) -> Output {
        if input.action == Action::Read { elements(state) } else { Output::Done }
    }

    fn any_answer(random: &mut Random, input: &Input) -> Output {
        match input.action {
            Action::Read => elements(random.pick(&["", "a", "b", "c", "ab", "ba", "aa", "cb", "abc"])),
            Action::Append { .. } => Output::Done,
        }
    }
}
