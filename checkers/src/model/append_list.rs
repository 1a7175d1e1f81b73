//! The model of a list that only grows: append an element, read the whole list.
//!
//! A read tells the order of all appends so far, so such histories are the most telling ones.
//! Not here: bytes that grow (`kv` has an append of its own).

use super::{Call, Model, text};
use bytes::Bytes;
use std::borrow::Cow;

/// What a client may ask of which list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which list.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// All elements; answered by [`Output::Elements`].
    Read,
    /// Add an element at the end; answered by [`Output::Done`].
    Append {
        /// Which.
        element: Bytes,
    },
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done.
    Done,
    /// All elements, the oldest first.
    Elements(Vec<Bytes>),
}

/// The append list.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::append_list::{Action, AppendList, Input, Output};
///
/// let [one, two] = [b"1", b"2"].map(|value| Bytes::from_static(value));
/// let append = Input { key: Bytes::new(), action: Action::Append { element: two.clone() } };
/// assert_eq!(AppendList.step(&vec![one.clone()], &append, Some(&Output::Done)), Some(vec![one, two]));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppendList;

impl Model for AppendList {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = Vec<Bytes>;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> Vec<Bytes> {
        Vec::new()
    }

    fn step(&self, state: &Vec<Bytes>, input: &Input, output: Option<&Output>) -> Option<Vec<Bytes>> {
        match (&input.action, output) {
            (Action::Read, None) => Some(state.clone()),
            (Action::Read, Some(Output::Elements(elements))) => (elements == state).then(|| state.clone()),
            (Action::Append { element }, None | Some(Output::Done)) => {
                let mut grown = Vec::with_capacity(state.len() + 1);
                grown.extend_from_slice(state);
                grown.push(element.clone());
                Some(grown)
            }
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        call.input.action == Action::Read
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match &input.action {
            Action::Read => "read".to_owned(),
            Action::Append { element } => format!("append {}", text::quoted(element)),
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Elements(elements) => Some(text::list(elements)),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &Vec<Bytes>) -> String {
        text::list(state)
    }

    fn describe_key(&self, key: &Bytes) -> String {
        text::quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_sees_all_elements_in_their_order() {
        let [one, two] = [b"1", b"2"].map(|value| Bytes::from_static(value));
        let input = |action| Input { key: Bytes::new(), action };
        let append = |element: &Bytes| input(Action::Append { element: element.clone() });
        let state = AppendList.step(&AppendList.init(), &append(&one), None).expect("an append is possible");
        let state = AppendList.step(&state, &append(&two), Some(&Output::Done)).expect("an append is possible");
        let read = |elements: &[&Bytes]| {
            let elements = Output::Elements(elements.iter().copied().cloned().collect());
            AppendList.step(&state, &input(Action::Read), Some(&elements))
        };
        assert_eq!(read(&[&one, &two]), Some(vec![one.clone(), two.clone()]));
        assert_eq!((read(&[&two, &one]), read(&[&one])), (None, None));
        assert_eq!(AppendList.step(&state, &append(&one), Some(&Output::Elements(vec![]))), None, "no answer of an append");
        assert_eq!(AppendList.describe_state(&state), "[\"1\", \"2\"]");
    }
}
